export const greeting: string = 'hello from version 1';
