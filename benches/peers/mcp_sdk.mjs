// `echo` on the official TypeScript SDK, both eras: `node mcp_sdk.mjs PORT MODULES`.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, modules] = process.argv.slice(2);
const resolve = createRequire(pathToFileURL(modules + '/x.js'));
const load = name => import(pathToFileURL(resolve.resolve(name)));
const { McpServer, createMcpHandler } = await load('@modelcontextprotocol/server');
const { toNodeHandler } = await load('@modelcontextprotocol/node');
const zod = await load('zod');
const z = zod.z ?? zod.default;

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'echo', version: '1.0.0' });
  server.registerTool('echo', { description: 'Echo', inputSchema: z.object({ message: z.string() }) }, async ({ message }) => ({
    content: [{ type: 'text', text: message }],
  }));
  return server;
});
createServer(toNodeHandler(handler)).listen(Number(port), '127.0.0.1');
