/*** {"description": "What an element is: tag, text, attributes, box and the styles that place it", "category": "inspect", "parameters": {"selector": "CSS selector"}, "examples": ["brummerLibrary.getDetails('#cart')"]} ***/
function (selector) {
  const e = document.querySelector(selector);
  if (!e) return {error: 'nothing matches ' + selector};
  const style = getComputedStyle(e), box = e.getBoundingClientRect(), styles = {};
  for (const name of ['display', 'position', 'visibility', 'opacity', 'zIndex', 'overflow', 'color', 'backgroundColor', 'font', 'margin', 'padding'])
    styles[name] = style[name];
  return {
    tag: e.localName, text: e.textContent.trim().slice(0, 200), children: e.children.length,
    attributes: Object.fromEntries([...e.attributes].map(a => [a.name, a.value.slice(0, 200)])),
    box: {x: box.x, y: box.y, width: box.width, height: box.height}, styles
  };
}
