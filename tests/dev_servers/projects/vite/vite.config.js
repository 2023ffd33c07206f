// A page with a strict policy, one that is compressed, and a stream of events, beside what Vite serves.
import { gzipSync } from 'node:zlib';

const page = (title, body) => `<!doctype html><html><head><title>${title}</title></head><body>${body}</body></html>`;

const pages = {
  name: 'pages',
  configureServer(server) {
    server.middlewares.use('/policy', (request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.setHeader('Content-Security-Policy', "default-src 'none'; script-src 'self'; connect-src 'self'");
      response.end(page('policy', '<script type="module" src="/src/policy.ts"></script>'));
    });
    server.middlewares.use('/packed', (request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.setHeader('Content-Encoding', 'gzip');
      response.end(gzipSync(page('packed', '<script>console.log("unpacked")</script>')));
    });
    server.middlewares.use('/prices', (request, response) => {
      response.setHeader('Content-Type', 'text/event-stream');
      let price = 0;
      const timer = setInterval(() => response.write(`data: price ${++price}\n\n`), 50);
      response.on('close', () => clearInterval(timer));
    });
  },
};

export default { plugins: [pages] };
