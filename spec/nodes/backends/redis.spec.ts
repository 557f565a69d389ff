// Users and rules in a real database; skipped where it is not installed.
import { Redis } from 'ioredis';
import { RedisStore } from '../../../src/nodes/backends/redis.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import { startRedis } from './peers.ts';
import { runStoreSpecs, USERS } from './store-specs.ts';

const { backend } = defaultConfig();

await runStoreSpecs({
  name: 'redis',
  start: startRedis,
  async fill(url) {
    const db = new Redis(url);
    for (const [name, hash, salt, superuser] of USERS) {
      const fields = { password_hash: hash, is_superuser: superuser ? '1' : '0', ...(salt === null ? {} : { salt }) };
      await db.hset(`mqtt_user:${name}`, fields);
    }
    await db.hset('mqtt_acl:anna', { 'a/%c': 'publish', 'b/#': 'all' });
    await db.hset('mqtt_acl:broken', { a: 'everything' });
    db.disconnect();
  },
  open: (url, timeoutMs) => new RedisStore({ ...backend.redis, url }, timeoutMs),
  rules: [
    { permission: 'allow', action: 'publish', topics: ['a/%c'] },
    { permission: 'allow', action: 'all', topics: ['b/#'] },
  ],
});
