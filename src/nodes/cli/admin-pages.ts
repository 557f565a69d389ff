/** All entries of an administrative list that comes in pages. */
import { type AdminOptions, adminRequest } from './admin-client.ts';

export async function requestAll<T>(options: AdminOptions, path: string, name: string): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | undefined; ; ) {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const page = (await adminRequest(options, 'GET', path + query)) as Record<string, unknown>;
    all.push(...(page[name] as T[]));
    if (typeof page.next !== 'string') return all;
    after = page.next;
  }
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}
