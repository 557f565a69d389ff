/** Where an installed broker is. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put them; /usr/sbin is often not in a user's PATH. */
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
