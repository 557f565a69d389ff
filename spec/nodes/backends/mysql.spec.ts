// Users and rules in a real database; skipped where it is not installed.
import { createConnection } from 'mysql2/promise';
import { MysqlStore } from '../../../src/nodes/backends/mysql.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import { startMariadb } from './peers.ts';
import { RULES, runStoreSpecs, TABLES, USERS } from './store-specs.ts';

const { backend } = defaultConfig();

await runStoreSpecs({
  name: 'mysql',
  start: startMariadb,
  async fill(url) {
    const db = await createConnection(url);
    for (const text of TABLES) await db.query(text);
    for (const user of USERS) await db.query('INSERT INTO mqtt_user VALUES (?, ?, ?, ?)', [...user]);
    await db.end();
  },
  open: (url, timeoutMs) => new MysqlStore({ ...backend.mysql, url }, timeoutMs),
  rules: RULES,
});
