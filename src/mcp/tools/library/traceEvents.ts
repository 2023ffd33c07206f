/*** {"description": "Which events reach an element within some seconds", "category": "events", "parameters": {"selector": "CSS selector", "types": "names of events", "seconds": "how long, 5 by default"}, "examples": ["await brummerLibrary.traceEvents('form', ['submit', 'click'], 8)"]} ***/
function (selector = 'body', types = ['click', 'input', 'change', 'submit', 'keydown', 'focusin', 'focusout'], seconds = 5) {
  const e = document.querySelector(selector);
  if (!e) return {error: 'nothing matches ' + selector};
  const seen = [], start = performance.now();
  const hear = event => {
    const t = event.target;
    if (seen.length < 200) seen.push({type: event.type, at: Math.round(performance.now() - start), target: t.localName + (t.id ? '#' + t.id : ''), prevented: event.defaultPrevented});
  };
  types.forEach(type => e.addEventListener(type, hear, true));
  return new Promise(done => setTimeout(() => {
    types.forEach(type => e.removeEventListener(type, hear, true));
    done(seen);
  }, Math.min(seconds, 60) * 1000));
}
