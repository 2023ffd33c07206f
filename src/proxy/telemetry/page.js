// The telemetry script: it runs in every page before the page's own scripts, sends what happens there to the proxy that
// served it, and loads its second half, `tools.js`, once the page is alive. It must never throw, never change what the
// page sees, never send what a person typed, a cookie or a password, and stay below 10 KiB as it is served: without
// comments and needless spaces, which are taken out line by line. So a comment has a line of its own, texts stand between
// single quotes within a line, and no regular expression holds a space or a quote.
(() => {
  'use strict';
  const w = window, d = document, P = performance, R = Reflect, nav = navigator, tag = d.currentScript;
  if (w.__brummer || !tag) return;
  const base = tag.src.replace(/[^/]*$/, '');

  // What the page may replace later is kept as it is now.
  const {setTimeout: later, fetch: post, addEventListener: listen} = w, {now} = Date, {stringify, parse} = JSON;
  const {round, random} = Math;
  const safe = f => { try { return f(); } catch {} };
  const on = (o, names, f, more) => names.split(' ').forEach(n => listen.call(o, n, e => safe(() => f(e, n)), more));
  const cut = (s, n) => (s = String(s)).length > n ? s.slice(0, n) + '…' : s;
  const token = () => random().toString(36).slice(2, 10);

  // Who speaks: the tab (its number lies in the storage only while no page is there, so that a copied tab gets its own)
  // and this load of a page.
  const top = w.top === w, page = token(), key = 'brummer_tab';
  const core = {base, top, page, socket: 0, away: 0};
  const claim = () => safe(() => {
    const id = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return id;
  });
  const worker = () => safe(() => nav.serviceWorker.controller.scriptURL);
  const meta = () => ({url: location.href, title: d.title, referrer: d.referrer, userAgent: nav.userAgent, timestamp: now(),
    viewport: {width: w.innerWidth, height: w.innerHeight}, frame: !top, serviceWorker: worker(),
    connection: nav.connection && nav.connection.effectiveType});

  // The queue: bounded; equal things in a row are one with a count.
  let queue = [], dropped = 0, timer = 0, session, last, lastKey;
  const push = (type, data, time, fold) => {
    if (fold && fold === lastKey) return void (last.data.count = (last.data.count || 1) + 1);
    if (queue.length > 499) return void dropped++;
    queue.push(last = {type, timestamp: time || now(), url: location.href, data});
    lastKey = fold;
    if (session) queue.length > 99 ? flush() : timer = timer || later(flush, 2000);
  };
  const flush = gone => safe(() => {
    if (!session) return;
    if (core.before) core.before();
    timer = lastKey = 0;
    while (queue.length || dropped) {
      const events = queue.splice(0, 100), lost = dropped;
      let text, blob;
      for (;;) {
        text = stringify({type: 'telemetry', sessionId: session, pageId: page, metadata: meta(), dropped: lost, events});
        blob = new Blob([text], {type: 'text/plain'});
        if (blob.size < 6e4 || events.length < 2) break;
        queue.unshift(...events.splice(events.length >> 1));
      }
      dropped = 0;
      if (gone !== true && core.socket && core.socket.readyState === 1) core.socket.send(text);
      else if (!safe(() => nav.sendBeacon(base + 'b', blob)))
        post(base + 'b', {method: 'POST', body: blob, keepalive: gone === true}).catch(() => { dropped += lost + events.length; });
    }
    timer = 0;
  });

  // Values as text: bounded, and no getter is called.
  const show = (v, depth, inner) => {
    const t = typeof v;
    if (t === 'string') return inner ? stringify(cut(v, 500)) : v;
    if (t === 'function') return 'ƒ ' + v.name;
    if (t === 'bigint') return v + 'n';
    if (t !== 'object' || !v || v instanceof Date || v instanceof RegExp) return String(v);
    if (v instanceof Error) return v.name + ': ' + v.message;
    if (v instanceof Element) return '<' + path(v, 1) + '>';
    const list = Array.isArray(v) || v instanceof Set, name = v.constructor && v.constructor.name;
    if (!(depth > 0)) return list ? '[…]' : '{…}';
    const each = x => show(x, depth - 1, 1);
    if (list) return (name === 'Array' ? '[' : name + ' [') + [...v].slice(0, 50).map(each).join(', ') + ']';
    const pairs = v instanceof Map ? [...v].slice(0, 30).map(p => p.map(each).join(' => ')) : Object.keys(v).slice(0, 30).map(k => {
      const p = Object.getOwnPropertyDescriptor(v, k);
      return k + ': ' + (p.get ? '(…)' : each(p.value));
    });
    return (name && name !== 'Object' ? name + ' ' : '') + '{' + pairs.join(', ') + '}';
  };
  const format = args => {
    const rest = [...args];
    let text = rest.length ? show(rest.shift(), 3) : '';
    if (typeof args[0] === 'string') text = text.replace(/%([sdifoOc%])/g, (all, c) => {
      if (c === '%' || !rest.length) return c === '%' ? c : all;
      const v = rest.shift();
      return c === 'c' ? '' : c === 'f' ? parseFloat(v) : c === 'd' || c === 'i' ? parseInt(v) : show(v, 3, c !== 's');
    });
    return cut([text, ...rest.map(v => show(v, 3))].join(' '), 2000);
  };
  const plain = v => {
    try {
      const text = stringify(v);
      return text && (text.length > 8000 ? cut(text, 8000) : parse(text));
    } catch {
      return show(v, 2);
    }
  };
  // A stack without our own frames.
  const trim = (stack, e) => {
    const text = String(stack || '').split('\n').filter(line => !line.includes(base)).join('\n');
    return cut(e && e.message && !text.includes(e.message) ? e.name + ': ' + e.message + '\n' + text : text, 4000);
  };
  const path = (e, depth = 4) => {
    let text = '';
    for (; e && e.getAttribute && depth--; e = e.parentElement) {
      const id = e.getAttribute('id'), names = e.getAttribute('class');
      text = e.localName + (id ? '#' + id : names ? '.' + names.trim().split(/\s+/).slice(0, 2).join('.') : '') + (text && ' > ' + text);
      if (id) break;
    }
    return cut(text, 200);
  };

  // A function that is wrapped stays itself to whoever looks: name, length, text.
  const wrap = (o, k, before, after) => safe(() => {
    o[k] = new Proxy(o[k], {apply(f, self, args) {
      const seen = before && safe(() => before(args, self)), result = R.apply(f, self, args);
      return after && safe(() => after(result, seen)) || result;
    }});
  });
  const wrapClass = (k, made) => safe(() => {
    const C = w[k], N = new Proxy(C, {construct(f, args, target) {
      const o = R.construct(f, args, target === N ? f : target);
      safe(() => made(o));
      return o;
    }});
    w[k] = C.prototype.constructor = N;
  });

  // The console: a flood is sampled, and what an evaluation writes is heard.
  const heard = new Set();
  let busy = 0, flood = 0, floodAt = 0;
  const log = (level, args) => {
    if (busy) return;
    busy = 1;
    try {
      if (now() - floodAt > 2000) floodAt = now(), flood = 0;
      const bad = level === 'error';
      if (++flood > (bad ? 200 : 100) && flood % 50 && !heard.size) return void dropped++;
      const message = format(args), error = [...args].find(v => v instanceof Error);
      const stack = error || bad || level === 'trace' ? trim((error || new Error()).stack, error) : undefined;
      heard.forEach(list => list.length < 100 && list.push({level, message}));
      push('console_output', {level, message, stack}, 0, level + message);
    } catch {} finally {
      busy = 0;
    }
  };
  for (const k of ['log', 'info', 'warn', 'error', 'debug', 'trace']) wrap(console, k, args => log(k, args));
  for (const k of ['dir', 'table']) wrap(console, k, args => log('log', args));
  wrap(console, 'assert', args => args[0] || log('error', ['Assertion failed:', ...[...args].slice(1)]));

  const thrown = (type, field, v, more) => {
    const message = cut(v && v.message ? (v.name || 'Error') + ': ' + v.message : show(v, 2), 2000), stack = trim(v && v.stack, v);
    push(type, {[field]: message, stack, ...more}, 0, type + message + stack);
  };
  on(w, 'error', e => {
    const t = e.target;
    if (t && t.localName) push('resource_error', {tag: t.localName, url: t.src || t.href, selector: path(t)});
    else thrown('javascript_error', 'message', e.error || e.message, {filename: e.filename, lineno: e.lineno, colno: e.colno});
  }, true);
  on(w, 'unhandledrejection', e => thrown('unhandled_rejection', 'reason', e.reason));
  // Where our own channel is forbidden, it is not tried again.
  on(d, 'securitypolicyviolation', e => {
    if (e.blockedURI.replace(/^ws/, 'http').startsWith(base)) core.away = e.disposition !== 'report';
    else push('csp_violation', {directive: e.effectiveDirective, blocked: e.blockedURI, filename: e.sourceFile, lineno: e.lineNumber});
  });

  // Requests.
  let count = 0;
  const request = (initiator, method, url) => {
    const data = {requestId: page + '-' + ++count, method, url: cut(new URL(url, d.baseURI).href, 2000), initiator};
    push('network_request', data);
    return [data, P.now()];
  };
  const ended = (r, type, more) => safe(() => push(type, {...r[0], duration: round(P.now() - r[1]), ...more}));
  const answered = (r, status, get) => ended(r, 'network_response',
    {status, size: +get('content-length') || undefined, contentType: get('content-type') || undefined});
  const failed = (r, e) => ended(r, 'network_error', {error: cut(e && e.message || e, 500), errorType: e && e.name});
  wrap(w, 'fetch', ([what, init]) => {
    const own = what instanceof Request;
    return request('fetch', init && init.method || own && what.method || 'GET', own ? what.url : what);
  }, (result, r) => r && result.then(a => {
    safe(() => answered(r, a.status, n => a.headers.get(n)));
    return a;
  }, e => {
    failed(r, e);
    throw e;
  }));
  const asked = new WeakMap(), X = w.XMLHttpRequest.prototype;
  wrap(X, 'open', (args, x) => asked.set(x, args));
  wrap(X, 'send', (_, x) => {
    const [method, url] = asked.get(x), r = request('xhr', String(method).toUpperCase(), url);
    on(x, 'load error timeout abort', (_, name) =>
      name === 'load' ? answered(r, x.status, n => x.getResponseHeader(n)) : failed(r, {name, message: name}), {once: true});
  });
  core.Socket = w.WebSocket;
  for (const [k, type] of [['WebSocket', 'websocket'], ['EventSource', 'event_source']])
    wrapClass(k, s => on(s, 'open close error', (e, state) => push(type, {state, url: s.url, code: e.code, reason: e.reason,
      wasClean: e.wasClean}, 0, type + state + s.url)));

  // The page's life and its addresses.
  const elapsed = () => ({readyState: d.readyState, elapsedTime: round(P.now())});
  on(d, 'readystatechange', () => push('dom_state', elapsed()));
  on(w, 'load', () => push('page_load', {...elapsed(), referrer: d.referrer}));
  let href = location.href;
  const route = kind => {
    const to = location.href;
    if (to !== href) push('route_change', {from: href, to, kind});
    href = to;
  };
  for (const k of ['pushState', 'replaceState']) wrap(w.History.prototype, k, 0, () => route(k));
  on(w, 'popstate hashchange', (_, n) => route(n));
  if (w.navigation) on(w.navigation, 'currententrychange', e => route(e.navigationType || 'navigation'));

  // The page's own events; it gets its measures as if they came from `performance`.
  const tell = (type, field) => (name, data) => safe(() => push(type, {[field]: cut(name, 200), data: plain(data)}));
  const api = {
    track: tell('custom_event', 'name'), action: tell('user_action', 'action'), feature: tell('feature_usage', 'feature'),
    mark: (name, data) => safe(() => push('performance_mark', {name, startTime: P.mark(name).startTime, data: plain(data)})),
    measure: (name, from, to) => safe(() => push('performance_measure', {name, duration: P.measure(name, from, to).duration})),
    error: (e, context) => safe(() => thrown('custom_error', 'message', e, {context: plain(context)})),
    screenshot: tell('screenshot_request', 'name'), ping: () => !!core.socket && core.socket.readyState === 1,
    status: () => ({session, page, connected: api.ping(), queued: queue.length, dropped}),
    timeline: () => [...queue], flush: () => flush(), clear: () => { queue = []; }, get session() { return session; }
  };
  for (const k of ['__brummer', 'brummer', 'brummerTelemetry', 'mcpTelemetry'])
    safe(() => k in w || Object.defineProperty(w, k, {value: api, configurable: true, writable: true}));

  // Leaving: what is left goes at once. A page that comes back goes on.
  on(d, 'visibilitychange', () => {
    push('visibility_change', {hidden: d.hidden, visibilityState: d.visibilityState});
    if (d.hidden) flush(true);
  });
  on(w, 'pagehide', () => {
    flush(true);
    if (top && session) safe(() => sessionStorage.setItem(key, session));
    if (core.leave) core.leave();
  });
  on(w, 'pageshow', e => {
    if (e.persisted) claim(), core.connect && core.connect();
  });
  // A page that is only prepared says nothing until a person sees it.
  const start = () => {
    core.session = session = (top ? claim() : safe(() => w.top.__brummer.session)) || 'brummer_' + now() + '_' + token();
    timer = later(flush, 2000);
    // The second half takes what it needs from here, once.
    api.more = f => {
      delete api.more;
      safe(() => f(core));
    };
    const more = d.createElement('script'), url = base + 'p.js', types = w.trustedTypes;
    safe(() => {
      more.nonce = tag.nonce;
      more.src = types ? types.createPolicy('brummer', {createScriptURL: s => s}).createScriptURL(url) : url;
      d.documentElement.append(more);
    });
    more.remove();
  };
  Object.assign(core, {push, flush, on, safe, cut, show, plain, trim, path, wrap, thrown, heard, meta, later, round, stringify, parse});
  push('monitor_initialized', {...elapsed(), frame: !top, prerendered: !!d.prerendering, serviceWorker: worker()});
  d.prerendering ? on(d, 'prerenderingchange', start) : start();
})();
