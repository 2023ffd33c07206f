/*** {"description": "The components of a React or Vue app below an element, with the names of their props", "category": "inspect", "parameters": {"selector": "CSS selector, the body by default", "depth": "levels, 12 by default"}, "examples": ["brummerLibrary.componentTree('#root', 5)"]} ***/
function (selector = 'body', depth = 12) {
  const start = document.querySelector(selector);
  if (!start) return {error: 'nothing matches ' + selector};
  let left = 500;
  const name = t => !t || typeof t === 'string' ? '' : t.displayName || t.name || (t.render && t.render.name) || '';
  const react = (f, level) => {
    const out = [];
    for (; f && left > 0; f = f.sibling) {
      const own = name(f.type), below = level > 0 ? react(f.child, own ? level - 1 : level) : [];
      if (!own) out.push(...below);
      else if (left-- > 0) out.push({name: own, key: f.key || undefined, props: Object.keys(f.memoizedProps || {}), children: below});
    }
    return out;
  };
  const vue = (v, level) => {
    if (!v || left-- <= 0) return [];
    const own = v.component, kids = own ? [own.subTree] : Array.isArray(v.children) ? v.children : [];
    const below = level > 0 ? kids.flatMap(k => vue(k, own ? level - 1 : level)) : [];
    return own ? [{name: own.type.name || own.type.__name || 'Anonymous', props: Object.keys(own.props || {}), children: below}] : below;
  };
  for (const e of [start, ...start.querySelectorAll('*')]) {
    const key = Object.keys(e).find(k => k.startsWith('__reactContainer$') || k.startsWith('__reactFiber$'));
    if (key) return {framework: 'react', tree: react(e[key], depth)};
    if (e.__vue_app__) return {framework: 'vue', tree: vue(e.__vue_app__._container._vnode, depth)};
  }
  return {framework: 'none', tree: []};
}
