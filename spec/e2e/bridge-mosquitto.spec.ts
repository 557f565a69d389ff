// Bridges to mosquitto, if it is installed.
import { execFileSync, spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import { bridge, end, endAll, give, isUp, start, take } from './bridge-nodes.ts';
import { RawClient } from './raw-client.ts';

const test = suite('bridge to mosquitto');
test.after(endAll);

function mosquitto(): string | undefined {
  for (const path of ['mosquitto', '/usr/sbin/mosquitto']) {
    try {
      execFileSync(path, ['-h'], { stdio: 'ignore' });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return path; // it says how it is used, and ends with 3
    }
  }
  return undefined;
}

const peer = mosquitto();
if (peer === undefined) console.log('skipped: mosquitto is not installed');
else {
  for (const protocol of ['3.1.1', '5.0']) {
    test(`to mosquitto by MQTT ${protocol}, which sends a bridge nothing back, and both ways after it was away`, async () => {
      const port = await freePort();
      let child = spawn(peer, ['-p', String(port)], { stdio: 'ignore' });
      try {
        const topics = '{direction="both",filter="m/#",qos=2,remote_prefix="r/"}';
        const edge = await start(`mosquitto-${protocol}`, {
          'mqtt.bridges': bridge('hub', port, topics, `,protocol="${protocol}"`),
          'storage.enabled': 'false',
        });
        const watcher = await edge.connect();
        await watcher.subscribe('$SYS/broker/connection/hub/state', { qos: 0 });
        await isUp(edge);
        while ((await take(watcher)) !== '$SYS/broker/connection/hub/state 1 0') {}
        let far = await RawClient.connect(port, { clientId: 'far', level: 4 });
        await far.subscribe('r/m/#', { qos: 2 });
        const farWriter = await RawClient.connect(port, { clientId: 'far writer', level: 4 });
        const [near, writer] = [await edge.connect(), await edge.connect()];
        await near.subscribe('m/#', { qos: 2 });
        for (const qos of [0, 1, 2] as const) {
          await give(writer, 'm/there', `x${qos}`, qos);
          const there = await Promise.all([take(far), take(near)]);
          assert.equal(there, [`r/m/there x${qos} ${qos}`, `m/there x${qos} ${qos}`]);
          await give(farWriter, 'r/m/back', `y${qos}`, qos);
          const back = await Promise.all([take(far), take(near)]);
          assert.equal(back, [`r/m/back y${qos} ${qos}`, `m/back y${qos} ${qos}`]);
        }
        const echoes = [...(await near.settled()), ...(await far.settled())].filter(({ cmd }) => cmd === 'publish');
        assert.equal(echoes, []);

        child.kill('SIGKILL');
        while ((await take(watcher)) !== '$SYS/broker/connection/hub/state 0 0') {}
        for (const client of [far, farWriter]) client.destroy();
        for (let i = 1; i <= 50; i++) writer.publish(`m/late/${i}`, String(i), { qos: 1, packetId: i, retain: true });
        for (let i = 1; i <= 50; i++) assert.is(await take(near), `m/late/${i} ${i} 1`);
        child = spawn(peer, ['-p', String(port)], { stdio: 'ignore' });
        await isUp(edge);
        far = await RawClient.connect(port, { clientId: 'far', level: 4 });
        await far.subscribe('r/m/#', { qos: 2 });
        const missing = new Set(Array.from({ length: 50 }, (_, i) => `r/m/late/${i + 1} ${i + 1} 1`));
        while (missing.size > 0) missing.delete(await take(far));
        for (const client of [near, writer, far, watcher]) client.destroy();
        await end(edge);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
}

test.run();
