'use client';

import { useRouter } from 'next/navigation';
import { useEffect } from 'react';
import { fail } from './fail';
import { greeting } from './greeting';

export default function Page() {
  const router = useRouter();
  useEffect(() => {
    const actions: Record<string, () => unknown> = {
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
      route: () => router.push('/cart?from=shop'),
    };
    Object.assign(window, { act: (name: string) => actions[name]() });
  });
  return <h1 id="greeting">{greeting}</h1>;
}
