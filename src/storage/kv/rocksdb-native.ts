/** The part of the package rocksdb-native that is used; it brings no types. Loaded when a store is opened. */
import { createRequire } from 'node:module';

export interface NativeOptions {
  readonly maxBackgroundJobs: number;
  readonly maxOpenFiles: number;
  readonly writeBufferSize: number;
  readonly maxWriteBufferNumber: number;
  readonly tableCacheIndexAndFilterBlocks: boolean;
  readonly avoidFlushDuringShutdown: boolean;
}

export interface NativeWriteBatch {
  tryPut(key: Uint8Array, value: Uint8Array): void;
  tryDelete(key: Uint8Array): void;
  tryDeleteRange(start: Uint8Array, end: Uint8Array): void;
  flush(): Promise<void>;
}

export interface NativeReadBatch {
  get(key: Uint8Array): Promise<Uint8Array | null>;
  tryFlush(): void;
}

export interface NativeRange {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
  readonly capacity: number;
  readonly values: boolean;
}

export interface NativeDb {
  ready(): Promise<void>;
  write(options: { readonly capacity: number; readonly autoDestroy: true }): NativeWriteBatch;
  read(options: { readonly capacity: number; readonly autoDestroy: true }): NativeReadBatch;
  iterator(range: NativeRange): AsyncIterable<{ readonly key: Uint8Array; readonly value: Uint8Array | null }>;
  snapshot(): NativeDb;
  flush(): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  currentWalFile(): Promise<{ readonly number: number }>;
  close(options?: { readonly force: boolean }): Promise<void>;
}

export function openNative(directory: string, options: NativeOptions): NativeDb {
  const require = createRequire(import.meta.url);
  const RocksDB = require('rocksdb-native') as new (path: string, options: NativeOptions) => NativeDb;
  return new RocksDB(directory, options);
}
