/** The snapshot seam on the simulated disk: a file per snapshot, under its name only when all of it is durable. Its first bytes are the meta. */
import { crc32 } from '@node-rs/crc32';
import { ByteReader } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import { readMembership, writeMembership } from '../../../src/actors/raft/codec/membership-codec.ts';
import type { OpenSnapshot, SnapshotReader, SnapshotStore, SnapshotWriter } from '../../../src/actors/raft/state-machine.ts';
import type { SnapshotMeta } from '../../../src/actors/raft/storage.ts';
import type { WalPorts } from './wal.ts';

const NAME = /^snapshot-(\d+)-(\d+)$/;
const CHUNK_BYTES = 300;

export class SnapshotFiles implements SnapshotStore {
  readonly #ports: WalPorts;
  #arrivals = 0;
  readonly #onError: (error: unknown) => void;

  constructor(ports: WalPorts, onError: (error: unknown) => void) {
    this.#ports = ports;
    this.#onError = onError;
    for (const name of ports.disk.list()) if (name.endsWith('.tmp')) ports.disk.remove(name);
  }

  save(group: number, meta: SnapshotMeta, reader: SnapshotReader, done: (isOk: boolean) => void): void {
    const writer = this.receive(group, meta);
    const more = (): void =>
      reader.read(CHUNK_BYTES, (bytes, isLast) => {
        writer.write(bytes);
        if (!isLast) return more();
        reader.close();
        writer.commit(done);
      });
    more();
  }

  open(group: number): OpenSnapshot | undefined {
    const newest = this.#indexes(group).at(-1);
    return newest === undefined ? undefined : this.openAt(group, newest);
  }

  openAt(group: number, index: number): OpenSnapshot | undefined {
    const bytes = this.#ports.disk.read(fileName(group, index));
    if (bytes === undefined) return undefined;
    const reader = new ByteReader(bytes);
    const crc = reader.u32();
    if (crc32(bytes.subarray(4)) !== crc) throw new Error(`snapshot ${index} of group ${group} is damaged`);
    const meta = { index: reader.varint(), term: reader.varint(), membership: readMembership(reader) };
    let at = bytes.length - reader.left;
    return {
      meta,
      reader: {
        read: (bytesMax, done) => {
          const part = bytes.slice(at, at + bytesMax);
          at += part.length;
          done(part, at === bytes.length);
        },
        close: () => {},
      },
    };
  }

  discardBefore(group: number, index: number): void {
    for (const old of this.#indexes(group)) if (old < index) this.#ports.disk.remove(fileName(group, old));
  }

  receive(group: number, meta: SnapshotMeta): SnapshotWriter {
    const { disk } = this.#ports;
    const name = `${fileName(group, meta.index)}.${++this.#arrivals}.tmp`;
    const parts: Uint8Array[] = [head(meta)];
    disk.point('snapshot before create');
    disk.create(name);
    return {
      write: (bytes) => parts.push(bytes.slice()) > 0,
      abort: () => disk.remove(name),
      commit: (done) => {
        const whole = Buffer.concat(parts);
        const crc = new Uint8Array(4);
        new DataView(crc.buffer).setUint32(0, crc32(whole));
        disk.append(name, crc);
        disk.append(name, whole);
        disk.point('snapshot before sync');
        this.#ports.later(disk.syncMs(), () => this.#publish(name, fileName(group, meta.index), done));
      },
    };
  }

  #publish(name: string, final: string, done: (isOk: boolean) => void): void {
    const { disk } = this.#ports;
    try {
      disk.sync(name);
    } catch (error) {
      return this.#onError(error);
    }
    disk.point('snapshot before rename');
    disk.rename(name, final);
    disk.point('snapshot after rename');
    disk.syncNames();
    disk.point('snapshot after directory sync');
    done(true);
  }

  #indexes(group: number): number[] {
    return this.#ports.disk
      .list()
      .map((name) => NAME.exec(name))
      .filter((match) => match !== null && Number(match[1]) === group)
      .map((match) => Number(match![2]))
      .sort((a, b) => a - b);
  }
}

function fileName(group: number, index: number): string {
  return `snapshot-${group}-${index}`;
}

function head(meta: SnapshotMeta): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(meta.index);
  writer.varint(meta.term);
  writeMembership(writer, meta.membership);
  return writer.take();
}
