const state: string = 'the policy holds';
console.log(state);
export {};
