// Users and rules in a real database; skipped where it is not installed.
import { Client } from 'pg';
import { PostgresqlStore } from '../../../src/nodes/backends/postgresql.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import { startPostgresql } from './peers.ts';
import { RULES, runStoreSpecs, TABLES, USERS } from './store-specs.ts';

const { backend } = defaultConfig();

await runStoreSpecs({
  name: 'postgresql',
  start: startPostgresql,
  async fill(url) {
    const db = new Client(url);
    await db.connect();
    for (const text of TABLES) await db.query(text);
    for (const user of USERS) await db.query('INSERT INTO mqtt_user VALUES ($1, $2, $3, $4)', [...user]);
    await db.end();
  },
  open: (url, timeoutMs) => new PostgresqlStore({ ...backend.postgresql, url }, timeoutMs),
  rules: RULES,
});
