/*** {"description": "Elements that stick out of the window, are cut off, have no size, or pictures without their own", "category": "layout", "parameters": {"limit": "issues, 50 by default"}, "examples": ["brummerLibrary.findLayoutIssues()"]} ***/
function (limit = 50) {
  const issues = [], width = document.documentElement.clientWidth;
  const name = e => e.localName + (e.id ? '#' + e.id : '') + [...e.classList].slice(0, 2).map(c => '.' + c).join('');
  for (const e of document.body.querySelectorAll('*')) {
    if (issues.length >= limit) break;
    const r = e.getBoundingClientRect(), s = getComputedStyle(e);
    if (s.display === 'none' || s.visibility === 'hidden') continue;
    const add = (issue, more) => issues.push({element: name(e), issue, ...more});
    if (r.width && (r.right > width + 1 || r.left < -1) && s.position !== 'fixed') add('sticks out of the window', {left: Math.round(r.left), right: Math.round(r.right), window: width});
    if (e.scrollWidth > e.clientWidth + 1 && s.overflowX === 'hidden' && e.textContent.trim()) add('its content is cut off', {content: e.scrollWidth, box: e.clientWidth});
    if (e.localName === 'img' && (!e.complete || !e.naturalWidth)) add('the picture did not load', {src: e.currentSrc.slice(0, 200)});
    if (e.localName === 'img' && e.naturalWidth > 2 * Math.max(1, r.width) && e.naturalWidth > 1000) add('the picture is much larger than its box', {picture: e.naturalWidth, box: Math.round(r.width)});
    if (['button', 'a', 'input'].includes(e.localName) && r.width * r.height > 0 && (r.width < 16 || r.height < 16)) add('hard to hit', {width: Math.round(r.width), height: Math.round(r.height)});
  }
  return issues;
}
