import { smoke } from './smoke.ts';

smoke(151, 75);
