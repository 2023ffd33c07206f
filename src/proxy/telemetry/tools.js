// The second half of the telemetry script: times and vitals, what changes in the document, clicks, and the channel over
// which the proxy asks this page to do something. The rules of `page.js` hold here as well.
window.__brummer.more(core => {
  'use strict';
  const w = window, d = document, P = performance;
  const {base, top, page, push, on, safe, cut, show, plain, trim, path, heard, meta, later, round, stringify, parse, Socket} = core;

  // Times. What was measured before this script was there is told as well.
  const vital = {CLS: 0}, sent = {}, slow = new Map();
  core.before = () => {
    const worst = [...slow.values()].sort((a, b) => b - a);
    if (worst.length) vital.INP = worst[Math.min(worst.length - 1, worst.length / 50 | 0)];
    for (const metric in vital)
      if (sent[metric] !== vital[metric]) push('web_vital', {metric, value: sent[metric] = vital[metric]});
  };
  const watch = (type, f, more) => safe(() => PerformanceObserver.supportedEntryTypes.includes(type) && new PerformanceObserver(l => l.getEntries().forEach(e =>
    safe(() => f(e, (name, data) => push(name, data, round(P.timeOrigin + e.startTime)))))).observe({type, buffered: true, ...more}));
  watch('navigation', (n, say) => {
    if (n.loadEventEnd) vital.TTFB = n.responseStart, say('navigation_timing', {type: n.type, navigationType: n.type,
      redirectCount: n.redirectCount, redirectTime: n.redirectEnd - n.redirectStart, dnsTime: n.domainLookupEnd - n.domainLookupStart,
      connectTime: n.connectEnd - n.connectStart, requestTime: n.responseStart - n.requestStart,
      responseTime: n.responseEnd - n.responseStart, domInteractive: n.domInteractive, domComplete: n.domComplete,
      domContentLoaded: n.domContentLoadedEventEnd, loadComplete: n.loadEventEnd, transferSize: n.transferSize,
      encodedBodySize: n.encodedBodySize, decodedBodySize: n.decodedBodySize});
  });
  watch('longtask', (e, say) => say('long_task', {duration: e.duration, startTime: e.startTime, name: e.name}));
  watch('paint', (e, say) => {
    if (e.name === 'first-contentful-paint') vital.FCP = e.startTime;
    say('paint_timing', {name: e.name, startTime: e.startTime});
  });
  watch('largest-contentful-paint', (e, say) => {
    vital.LCP = e.startTime;
    say('largest_contentful_paint', {startTime: e.startTime, size: e.size, element: path(e.element), url: e.url});
  });
  let shift = 0, shiftFrom = -6e3, shiftTo = 0;
  watch('layout-shift', (e, say) => {
    if (e.hadRecentInput) return;
    const t = e.startTime;
    if (t - shiftTo > 1e3 || t - shiftFrom > 5e3) shift = 0, shiftFrom = t;
    shiftTo = t;
    vital.CLS = Math.max(vital.CLS, shift += e.value);
    if (e.value > .01) say('layout_shift', {value: e.value, sources: e.sources.slice(0, 3).map(s => path(s.node))});
  });
  watch('first-input', (e, say) => say('first_input_delay', {delay: e.processingStart - e.startTime, target: path(e.target)}));
  watch('event', e => {
    const id = e.interactionId;
    if (id && slow.size < 500) slow.set(id, Math.max(e.duration, slow.get(id) || 0));
  }, {durationThreshold: 16});
  let files = 0;
  watch('resource', (e, say) => {
    if (!e.name.startsWith(base) && !/fetch|xml|beacon/.test(e.initiatorType) && files++ < 150) say('resource_timing',
      {name: e.name, initiatorType: e.initiatorType, duration: e.duration, startTime: e.startTime, transferSize: e.transferSize,
        encodedBodySize: e.encodedBodySize, decodedBodySize: e.decodedBodySize, status: e.responseStatus});
  });

  // What changes in the document is counted.
  let changes = {};
  const add = (k, n) => changes[k] = (changes[k] || 0) + n;
  safe(() => new MutationObserver(list => list.forEach(m => {
    add(m.type, 1);
    add('added', m.addedNodes.length);
    add('removed', m.removedNodes.length);
  })).observe(d, {subtree: true, childList: true, attributes: true, characterData: true}));
  setInterval(() => safe(() => {
    if ('added' in changes) push('dom_mutation', changes);
    changes = {};
  }), 1e4);

  // Memory is told where the browser tells it, while the page is seen, and when it has changed.
  let used = 0;
  const weigh = () => safe(() => {
    const m = !d.hidden && P.memory, now = m && m.usedJSHeapSize;
    if (!m || Math.abs(now / used - 1) < .01) return;
    used = now;
    push('memory_usage', {usedJSHeapSize: now, totalJSHeapSize: m.totalJSHeapSize, jsHeapSizeLimit: m.jsHeapSizeLimit,
      percentUsed: now / m.jsHeapSizeLimit * 100});
  });
  if (P.memory) weigh(), setInterval(weigh, 5e3);

  // What a person does: where, never what was typed.
  const actions = {click: 'click', dblclick: 'double_click', contextmenu: 'context_menu', submit: 'form_submit'};
  on(d, Object.keys(actions).join(' '), (e, name) => {
    const t = e.composedPath()[0], near = t.closest && t.closest('a,button,summary,label,[role]'), get = k => t.getAttribute(k) || '';
    const data = {action: actions[name], selector: path(t), tag: t.localName, id: get('id'), class: get('class')};
    if (name === 'submit') data.fields = [...t.elements].slice(0, 50).map(f => ({name: f.name, type: f.type}));
    else data.coordinates = {x: e.clientX, y: e.clientY};
    if (near && name !== 'submit' && !near.isContentEditable && !near.querySelector('input,textarea,select'))
      data.text = cut(near.textContent.trim(), 100), data.href = near.href;
    push('user_interaction', data);
  }, true);

  // What the proxy may ask for.
  const run = code => {
    const Async = (async () => {}).constructor;
    let f;
    try {
      f = new Async('return(' + code + '\n)');
    } catch (e) {
      if (!(e instanceof SyntaxError)) throw e;
      f = new Async(code);
      // Statements give their last value, unless they wait or return.
      if (!/\b(await|return)\b/.test(code)) return (0, eval)(code);
    }
    return f();
  };
  // What an evaluation came to, where JSON would hold nothing of it.
  const value = v => {
    if (v instanceof Node) return cut(v.outerHTML || v.textContent || v.nodeName, 2000);
    if (v instanceof NodeList || v instanceof HTMLCollection) return [...v].slice(0, 50).map(value);
    if (v instanceof Map || v instanceof Set) return plain([...v]);
    return v instanceof Error || /func|symb|big/.test(typeof v) || v !== v ? show(v, 2) : plain(v);
  };
  const picture = async m => {
    const e = m.selector && d.querySelector(m.selector), root = d.documentElement;
    if (m.selector && !e) throw new Error('nothing in the page matches ' + m.selector);
    const b = e && e.getBoundingClientRect(), area = e ? [b.x + w.scrollX, b.y + w.scrollY, b.width, b.height] :
      m.whole ? [0, 0, root.scrollWidth, root.scrollHeight] : [w.scrollX, w.scrollY, w.innerWidth, w.innerHeight];
    const [left, up, wide, high] = area.map(Math.round), x = Math.min(wide || 1, 8e3), y = Math.min(high || 1, 8e3);
    let css = '';
    for (const s of d.styleSheets) safe(() => { for (const r of s.cssRules) css += r.cssText; });
    const html = new XMLSerializer().serializeToString(root);
    const image = new Image(), canvas = d.createElement('canvas');
    image.src = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="' + x + '" height="' + y +
      '"><foreignObject style="overflow:visible" width="' + w.innerWidth + '" height="' + w.innerHeight + '" x="' + -left + '" y="' + -up + '">' +
      html.replace('</head>', () => '<style>' + escape(css) + '</style></head>') + '</foreignObject></svg>');
    await image.decode();
    canvas.width = x;
    canvas.height = y;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/' + m.format, m.quality / 100);
  };
  const escape = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const commands = {
    async evaluate(m) {
      const logs = [];
      heard.add(logs);
      try {
        const v = await run(m.code);
        return {value: value(v), text: cut(show(v, 4, 1), 8000), kind: v === null ? 'null' : typeof v, console: logs};
      } catch (e) {
        return {error: {message: show(e, 2, 1), stack: trim(e && e.stack)}, console: logs};
      } finally {
        heard.delete(logs);
      }
    },
    navigate(m) {
      const url = new URL(m.url, location.href).href;
      later(() => location.assign(url), 20);
      return {url};
    },
    reload() {
      later(() => location.reload(), 20);
      return {url: location.href};
    },
    snapshot(m) {
      const e = m.selector ? d.querySelector(m.selector) : d.documentElement;
      if (!e) throw new Error('nothing in the page matches ' + m.selector);
      const html = e.outerHTML;
      return {html: html.slice(0, m.limit), truncated: html.length > m.limit, url: location.href, title: d.title};
    },
    async screenshot(m) {
      return {picture: await picture(m)};
    }
  };

  // The channel. It is closed when the page leaves, or the browser could not keep the page for the way back.
  let wait = 500;
  core.connect = () => safe(() => {
    if (!top || core.away || core.socket) return;
    const s = core.socket = new Socket(base.replace(/^http/, 'ws') + 'page');
    s.onopen = () => {
      wait = 500;
      s.send(stringify({type: 'hello', sessionId: core.session, pageId: page, metadata: meta()}));
    };
    s.onmessage = async e => {
      let m = {}, answer;
      try {
        m = parse(e.data);
        answer = await commands[m.action](m);
      } catch (x) {
        answer = {error: {message: show(x, 2, 1)}};
      }
      safe(() => s.send(stringify({type: 'answer', id: m.id, ...answer})));
    };
    s.onclose = () => {
      if (s === core.socket) core.socket = 0, later(core.connect, wait = Math.min(wait * 2, 3e4));
    };
  });
  core.leave = () => {
    const s = core.socket;
    core.socket = 0;
    if (s) s.close();
  };
  core.connect();
});
