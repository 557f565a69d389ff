import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import { openUnixSocket } from '../../../src/nodes/sockets/unix-socket.ts';

const test = suite('Unix socket');
const folder = mkdtempSync(join(tmpdir(), 'sluice-unix-'));
test.after(() => rmSync(folder, { recursive: true }));

async function refusal(path: string): Promise<SluiceError> {
  const opened = await openUnixSocket({ path, mode: 0o600, key: 'the.key' }, 1).catch((error: unknown) => error);
  assert.instance(opened, SluiceError, String(opened));
  return opened as SluiceError;
}

test('has its mode from the start, can be listened on, and is gone when it is closed', async () => {
  for (const mode of [0o600, 0o660, 0o777]) {
    const path = join(folder, `mode-${mode.toString(8)}`);
    const umask = process.umask();
    const socket = await openUnixSocket({ path, mode, key: 'k' }, 1);
    assert.is(process.umask(), umask, 'nobody else’s files are concerned');
    assert.is(statSync(path).mode & 0o777, mode);
    assert.is(socket.address, path);
    const target = socket.lend();
    assert.ok('fd' in target);
    const server = net.createServer((client) => client.end('hello'));
    await new Promise<void>((resolve) => server.listen(target, resolve));
    const said = await new Promise<string>((resolve, reject) => {
      let text = '';
      const client = net.connect({ path });
      client.on('data', (chunk) => {
        text += chunk;
      });
      client.on('end', () => resolve(text)).on('error', reject);
    });
    assert.is(said, 'hello');
    socket.close();
    await new Promise((closed) => server.close(closed));
    assert.not.ok(existsSync(path));
  }
});

test('takes the place of a dead one, and of nothing else', async () => {
  const path = join(folder, 'taken');
  const living = await openUnixSocket({ path, mode: 0o600, key: 'k' }, 1);
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(living.lend(), resolve));
  assert.is((await refusal(path)).code, 'SLUICE_LISTEN_ADDRESS_IN_USE');
  living.close();
  await new Promise((closed) => server.close(closed));

  const file = join(folder, 'file');
  writeFileSync(file, 'precious');
  assert.match((await refusal(file)).message, /^the\.key: .*there is a file that is no socket/);
  const link = join(folder, 'link');
  symlinkSync(file, link);
  assert.match((await refusal(link)).message, /no socket/);
  assert.ok(existsSync(file));
  assert.is((await refusal(join(folder, 'no', 'such', 'folder'))).code, 'SLUICE_LISTEN_ADDRESS');
  assert.match((await refusal(join(folder, 'x'.repeat(200)))).message, /its path has more than 107 bytes/);
});

test.run();
