// Makes a fresh clone runnable: installs the locked dependencies when they are missing or stale, then builds.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, 'node_modules', '.package-lock.json');
const locked = join(root, 'package-lock.json');

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' }).status ?? 1;
}

function install() {
  const options = ['--ignore-scripts', '--no-fund', '--no-audit'];
  // A registry that lacks packages for other platforms leads to a lock that `npm ci` refuses; `npm install` keeps to its versions all the same.
  return run('npm', ['ci', ...options]) === 0 ? 0 : run('npm', ['install', '--no-save', ...options]);
}

const stale = !existsSync(installed) || statSync(installed).mtimeMs < statSync(locked).mtimeMs;
process.exit((stale ? install() : 0) || run(process.execPath, [join(root, 'scripts', 'build.mjs')]));
