/** A group with a replica on this thread, as the service sees it: its state, its watchers, its leases. */
import type { MetaReplica } from '../replica.ts';
import { LeaseClock } from './lease-clock.ts';
import { type Tell, Watches } from './watches.ts';

export class HostedGroup {
  readonly id: number;
  readonly replica: MetaReplica;
  readonly watches: Watches;
  readonly leases: LeaseClock;

  /** `onChange`: watchers have something to be told. */
  constructor(replica: MetaReplica, tell: Tell, now: () => number, onChange: () => void) {
    this.id = replica.group;
    this.replica = replica;
    this.watches = new Watches(replica.machine, tell);
    this.leases = new LeaseClock(replica.machine);
    replica.machine.observe({
      stepped: () => {
        if (this.watches.size > 0) onChange();
      },
      leased: (id) => this.leases.noted(id, now()),
    });
    replica.onReplaced(onChange);
  }
}
