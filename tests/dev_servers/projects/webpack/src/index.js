import { fail } from './fail';
import { greeting } from './greeting';

const show = () => {
  document.querySelector('#greeting').textContent = greeting;
};

show();
if (module.hot) {
  module.hot.accept('./greeting', show);
  module.hot.accept('./fail');
}

const actions = {
  fail: () => setTimeout(() => fail({ name: 'apple' })),
  wording: () => {
    try {
      return fail({ name: 'pear' });
    } catch (error) {
      return String(error);
    }
  },
  log: () => console.warn('stock is low', { left: 2 }),
  call: () => fetch('http://127.0.0.1:1/unreachable').catch(() => {}),
  route: () => history.pushState({}, '', '/cart?from=shop'),
};
window.act = (name) => actions[name]();
