// Bridges to mosquitto, if it is installed.
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

if (peer !== undefined) {
  test('mosquitto bridges to a node: both ways, at every QoS, with RETAIN, and nothing goes round', async () => {
    const node = await start('from-mosquitto', { 'storage.enabled': 'false' });
    const port = await freePort();
    const file = join(tmpdir(), `sluice-from-mosquitto-${port}.conf`);
    const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'connection node', `address 127.0.0.1:${node.port}`];
    writeFileSync(file, [...lines, 'topic m/# both 2 "" r/', 'restart_timeout 1', 'cleansession false', ''].join('\n'));
    const child = spawn(peer, ['-c', file], { stdio: 'ignore' });
    try {
      const near = await node.connect();
      await near.subscribe('r/m/#', { qos: 2 });
      await near.subscribe('$SYS/broker/connection/#', { qos: 0 });
      assert.match(await take(near), /^\$SYS\/broker\/connection\/.+\/state 1 /, 'it says itself that it is there');
      const far = await RawClient.connect(port, { clientId: 'far', level: 4 });
      await far.subscribe('m/#', { qos: 2 });
      const [writer, farWriter] = [await node.connect(), await RawClient.connect(port, { clientId: 'far writer', level: 4 })];
      for (const qos of [0, 1, 2] as const) {
        await give(farWriter, 'm/in', `x${qos}`, qos);
        assert.equal(await Promise.all([take(near), take(far)]), [`r/m/in x${qos} ${qos}`, `m/in x${qos} ${qos}`]);
        await give(writer, 'r/m/out', `y${qos}`, qos);
        assert.equal(await Promise.all([take(near), take(far)]), [`r/m/out y${qos} ${qos}`, `m/out y${qos} ${qos}`]);
      }
      writer.publish('r/m/kept', 'z', { qos: 1, packetId: 7, retain: true });
      assert.is(await take(far), 'm/kept z 1');
      await give(farWriter, 'm/mark', 'end', 1);
      while ((await take(near)) !== 'r/m/mark end 1') {}
      while ((await take(far)) !== 'm/mark end 1') {}
      const late = await RawClient.connect(port, { clientId: 'late', level: 4 });
      await late.subscribe('m/kept');
      const kept = await late.nextPublish();
      assert.equal([String(kept.payload), kept.retain], ['z', true], 'RETAIN came as it was published');
      const echoes = [...(await near.settled()), ...(await far.settled())].filter(({ cmd }) => cmd === 'publish');
      assert.equal(echoes, []);
      for (const client of [near, far, writer, farWriter, late]) client.destroy();
      child.kill('SIGTERM');
      await end(node);
    } finally {
      child.kill('SIGKILL');
      rmSync(file);
    }
  });
}

test.run();
