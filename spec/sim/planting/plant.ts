/** `node --import dist/spec/sim/planting/plant.js …` with SLUICE_MUTANT=name: what is loaded from here on has that bug. */
import { register } from 'node:module';
import { META_MUTANTS } from '../meta/mutants.ts';
import { RAFT_MUTANTS } from '../raft/mutants.ts';

const { SLUICE_MUTANT } = process.env;
const mutant = [...RAFT_MUTANTS, ...META_MUTANTS].find(({ name }) => name === SLUICE_MUTANT);
if (mutant === undefined) throw new Error(`no such mutant: ${SLUICE_MUTANT}`);
register('./planting.js', { parentURL: import.meta.url, data: mutant });
