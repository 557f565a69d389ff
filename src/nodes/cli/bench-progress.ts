/** A bar per client on a terminal (one for all of them when there are many), nothing anywhere else. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { count } from '../../../bench/report.ts';
import type { Progress } from '../../../bench/run.ts';

/** More clients than this share one bar. */
const BARS_MAX = 16;
const STEPS = 1000;

export class BenchProgress {
  #bars: MultiBar | undefined;
  readonly #lines: SingleBar[] = [];
  #base: readonly number[] = [];
  #measuring = false;

  update({ fraction, phase, perClient }: Progress): void {
    this.#bars ??= new MultiBar(
      {
        format: ' [{client}] {bar} {percentage} %  {messages} msgs  {phase}',
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
      },
      Presets.shades_classic,
    );
    const clients = perClient.length <= BARS_MAX ? perClient : [perClient.reduce((sum, messages) => sum + messages, 0)];
    if (phase === 'measure' && !this.#measuring) {
      this.#measuring = true;
      this.#base = clients;
    }
    clients.forEach((messages, i) => {
      const shown = { client: clients.length === 1 ? '*' : i + 1, messages: count(messages - (this.#base[i] ?? 0)), phase };
      this.#lines[i] ??= this.#bars!.create(STEPS, 0, shown);
      this.#lines[i].update(Math.round(fraction * STEPS), shown);
    });
  }

  stop(): void {
    this.#bars?.stop();
    this.#bars = undefined;
    this.#lines.length = 0;
    this.#base = [];
    this.#measuring = false;
  }
}
