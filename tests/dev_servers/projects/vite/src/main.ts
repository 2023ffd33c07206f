import { fail } from './fail';
import { greeting } from './greeting';

function show(text: string): void {
  document.querySelector<HTMLElement>('#greeting')!.textContent = text;
}

show(greeting);
import.meta.hot?.accept('./greeting', (module) => module && show(module.greeting));

let charge = fail;
import.meta.hot?.accept('./fail', (module) => {
  if (module) charge = module.fail;
});

const actions: Record<string, () => unknown> = {
  fail: () => setTimeout(() => charge({ name: 'apple' })),
  wording: () => {
    try {
      return charge({ name: 'pear' });
    } catch (error) {
      return String(error);
    }
  },
  log: () => console.warn('stock is low', { left: 2 }),
  call: () => fetch('http://127.0.0.1:1/unreachable').catch(() => {}),
  route: () => history.pushState({}, '', '/cart?from=shop'),
  stream: () => {
    const source = new EventSource('/prices');
    source.onmessage = (message) => {
      console.log(`heard ${message.data}`);
      if (message.data === 'price 3') source.close();
    };
  },
};
Object.assign(window, { act: (name: string) => actions[name]() });
