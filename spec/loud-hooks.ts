/** `node --import dist/spec/loud-hooks.js SPEC`: uvu says what has failed in a `before` hook, or in one that runs after each test; by itself it throws that away. */
import { register } from 'node:module';

register('./loud-hooks-loader.js', { parentURL: import.meta.url });
