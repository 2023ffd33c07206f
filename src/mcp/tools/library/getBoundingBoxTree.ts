/*** {"description": "The boxes of an element and of what is in it", "category": "layout", "parameters": {"selector": "CSS selector, the body by default", "depth": "levels, 4 by default"}, "examples": ["brummerLibrary.getBoundingBoxTree('main', 3)"]} ***/
function (selector = 'body', depth = 4) {
  let left = 300;
  const box = (e, level) => {
    left--;
    const r = e.getBoundingClientRect(), own = e.localName + (e.id ? '#' + e.id : '') + [...e.classList].slice(0, 2).map(c => '.' + c).join('');
    const out = {element: own, box: [r.x, r.y, r.width, r.height].map(Math.round)};
    const below = level > 0 ? [...e.children].filter(() => left > 0).map(c => box(c, level - 1)) : [];
    if (below.length) out.children = below;
    return out;
  };
  const e = document.querySelector(selector);
  return e ? box(e, depth) : {error: 'nothing matches ' + selector};
}
