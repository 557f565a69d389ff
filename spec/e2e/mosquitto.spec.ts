// mosquitto_pub and mosquitto_sub, if they are installed, against a node.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { isInstalled, Tool } from './mosquitto-tool.ts';
import { until, within } from './until.ts';

const SUBSCRIBER = 'mosquitto_sub';

if (!isInstalled(SUBSCRIBER)) console.log('skipped: mosquitto-clients is not installed');
else {
  for (const threads of [1, 2]) {
    const test = suite(`mosquitto_pub and mosquitto_sub, ${threads} reactors`);
    let broker: Broker;
    test.before(async () => {
      broker = await Broker.start({ 'node.threads': threads });
    });
    test.after(async () => {
      await broker.assertSound();
      assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    });

    const pub = async (args: readonly string[], input = ''): Promise<void> => {
      const tool = new Tool('mosquitto_pub', broker.port, args, input);
      assert.is(await within('the end of mosquitto_pub', tool.ended), 0, tool.output);
    };
    const subscriptions = (count: number): Promise<void> =>
      broker.untilMetric('sluice_router_subscriptions', (value) => value === count);

    for (const version of ['311', '5']) {
      test(`version ${version}: lines at every QoS`, async () => {
        for (const qos of ['0', '1', '2']) {
          const sub = new Tool(SUBSCRIBER, broker.port, ['-V', version, '-q', qos, '-t', 'lines/+', '-C', '100', '-v']);
          await subscriptions(1);
          const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
          await pub(['-V', version, '-q', qos, '-t', 'lines/x', '-l'], lines.map((line) => `${line}\n`).join(''));
          assert.is(await within('the end of mosquitto_sub', sub.ended), 0);
          assert.is(sub.output, lines.map((line) => `lines/x ${line}\n`).join(''));
          await subscriptions(0);
        }
      });

      test(`version ${version}: retained, will and persistent session`, async () => {
        await pub(['-V', version, '-t', 'kept', '-m', 'value', '-r', '-q', '1']);
        const kept = new Tool(SUBSCRIBER, broker.port, ['-V', version, '-t', 'kept', '-C', '1', '-F', '%t %p %r']);
        assert.is(await within('the retained message', kept.ended), 0);
        assert.is(kept.output, 'kept value 1\n');
        await pub(['-V', version, '-t', 'kept', '-n', '-r', '-q', '1']);

        const session = [
          '-V',
          version,
          '-c',
          '-i',
          `keeper-${version}`,
          '-q',
          '1',
          '-t',
          'session',
          ...(version === '5' ? ['-x', '600'] : []),
        ];
        const first = new Tool(SUBSCRIBER, broker.port, [...session, '-E']);
        assert.is(await within('the subscription', first.ended), 0);
        await pub(['-V', version, '-t', 'session', '-m', 'while away', '-q', '1']);
        const second = new Tool(SUBSCRIBER, broker.port, [...session, '-C', '1']);
        assert.is(await within('the queued message', second.ended), 0);
        assert.is(second.output, 'while away\n');
        (await broker.connect({ clientId: `keeper-${version}` })).destroy();
        await broker.untilGone(`keeper-${version}`);

        const watcher = new Tool(SUBSCRIBER, broker.port, ['-V', version, '-t', 'will', '-C', '1']);
        await subscriptions(1);
        const dying = new Tool(SUBSCRIBER, broker.port, [
          '-V',
          version,
          '-t',
          'nothing',
          '--will-topic',
          'will',
          '--will-payload',
          'died',
        ]);
        await subscriptions(2);
        dying.kill();
        assert.is(await within('the will', watcher.ended), 0);
        assert.is(watcher.output, 'died\n');
        await dying.ended;
        await subscriptions(0);
      });
    }

    test('a large message comes whole', async () => {
      const sub = new Tool(SUBSCRIBER, broker.port, ['-q', '1', '-t', 'large', '-C', '1', '-N']);
      await subscriptions(1);
      const payload = 'sluice '.repeat(100_000);
      await pub(['-q', '1', '-t', 'large', '-s'], payload);
      await until('it has come', () => sub.output.length >= payload.length);
      assert.ok(sub.output === payload);
      await sub.ended;
    });

    test.run();
  }
}
