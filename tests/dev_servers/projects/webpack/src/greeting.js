export const greeting = 'hello from version 1';
