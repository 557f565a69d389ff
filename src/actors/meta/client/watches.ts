/** The watches of a client. */
import { META_WATCH_SILENCE_MS, META_WATCH_WINDOW_BYTES } from '../../../base/limits.ts';
import { type ActorRef, NOBODY } from '../../../runtime/ref.ts';
import type { Answer } from '../codec/answer-codec.ts';
import type { Call, CallHeader } from '../codec/call-codec.ts';
import type { OpenWatch, WatchHandle, WatchListener, WatchRequest } from './watch.ts';

const RETRY_MS = 100;

export interface WatchPorts {
  readonly candidates: (group: number) => readonly ActorRef[];
  readonly newId: () => number;
  readonly send: (to: ActorRef, header: CallHeader, call: Call) => void;
  readonly now: () => number;
}

export class ClientWatches {
  readonly #ports: WatchPorts;
  readonly #watches = new Map<number, OpenWatch>();

  constructor(ports: WatchPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#watches.size;
  }

  add(request: WatchRequest, listener: WatchListener): WatchHandle {
    const watch: OpenWatch = {
      id: 0,
      request,
      listener,
      since: request.since,
      candidate: 0,
      service: NOBODY,
      heardMs: 0,
      retryMs: 0,
      takenBytes: 0,
    };
    this.#begin(watch, this.#candidate(watch));
    return { stop: () => this.#stop(watch) };
  }

  answered(id: number, answer: Answer, bytes: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.heardMs = this.#ports.now();
    switch (answer.type) {
      case 'events':
        return this.#events(watch, answer, bytes);
      case 'compacted':
        this.#watches.delete(id);
        return watch.listener.compacted(answer.revision);
      case 'elsewhere':
        if (answer.service !== NOBODY) return this.#begin(watch, answer.service);
        return this.#later(watch);
      default:
        return this.#later(watch);
    }
  }

  lost(service: ActorRef): void {
    for (const watch of [...this.#watches.values()]) if (watch.service === service) this.#later(watch);
  }

  tick(now: number): void {
    for (const watch of [...this.#watches.values()]) {
      if (watch.retryMs > 0 ? now >= watch.retryMs : now - watch.heardMs > META_WATCH_SILENCE_MS) {
        watch.candidate++;
        this.#begin(watch, this.#candidate(watch));
      }
    }
  }

  #events(watch: OpenWatch, { steps, through }: Extract<Answer, { type: 'events' }>, bytes: number): void {
    watch.since = through + 1;
    if (steps.length > 0) watch.takenBytes += bytes;
    if (watch.takenBytes >= META_WATCH_WINDOW_BYTES / 4) {
      this.#ports.send(
        watch.service,
        { id: this.#ports.newId(), group: watch.request.group },
        { type: 'taken', watch: watch.id, bytes: watch.takenBytes },
      );
      watch.takenBytes = 0;
    }
    watch.listener.changed(steps, through);
  }

  #begin(watch: OpenWatch, service: ActorRef): void {
    this.#watches.delete(watch.id);
    const { group, from, to } = watch.request;
    watch.id = this.#ports.newId();
    watch.service = service;
    watch.heardMs = this.#ports.now();
    watch.retryMs = 0;
    watch.takenBytes = 0;
    this.#watches.set(watch.id, watch);
    this.#ports.send(service, { id: watch.id, group }, { type: 'watch', from, to, since: watch.since });
  }

  #later(watch: OpenWatch): void {
    watch.retryMs = this.#ports.now() + RETRY_MS;
  }

  #stop(watch: OpenWatch): void {
    if (!this.#watches.delete(watch.id)) return;
    const { group } = watch.request;
    this.#ports.send(watch.service, { id: this.#ports.newId(), group }, { type: 'unwatch', watch: watch.id });
  }

  #candidate({ request, candidate }: OpenWatch): ActorRef {
    const candidates = this.#ports.candidates(request.group);
    return candidates[candidate % candidates.length] ?? NOBODY;
  }
}
