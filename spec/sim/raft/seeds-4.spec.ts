import { smoke } from './smoke.ts';

smoke(226, 75);
