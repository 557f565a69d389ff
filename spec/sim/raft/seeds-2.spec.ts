import { smoke } from './smoke.ts';

smoke(76, 75);
