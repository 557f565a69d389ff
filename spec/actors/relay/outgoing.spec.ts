// When what is under way to another node is put on disk as well.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Backlog, Keeping } from '../../../src/actors/relay/backlog.ts';
import { Place } from '../../../src/actors/relay/backlog-places.ts';
import { Outgoing } from '../../../src/actors/relay/outgoing.ts';
import { PressureGauge } from '../../../src/actors/router/pressure.ts';
import { decodeRun, emptyRun } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { decode, outgoing as messages, payloads } from '../session/packets.ts';

const test = suite('what goes to a node');

function make(): { outgoing: Outgoing; kept: string[]; places: Place[]; deliver: (text: string, qos: 0 | 1) => void } {
  const topics = new TopicTable(1, 1);
  const lent = emptyRun(topics.internName('-')!);
  const kept: string[] = [];
  const outgoing = new Outgoing({
    thread: 1,
    life: 1,
    slots: new Float64Array(64),
    gauge: new PressureGauge(),
    isOwn: () => true,
    send: () => true,
    whenWritable: () => {},
    decode: (bytes, start, end) => {
      decodeRun(bytes, start, end, topics, lent);
      return lent;
    },
  });
  const places: Place[] = [];
  const keep = (): Keeping => {
    const place = new Place();
    places.push(place);
    const add = ({ dialect, buffer, start, end, count }: Run): boolean => {
      kept.push(...payloads(decode(dialect, buffer.subarray(start, end))));
      place.pending += count;
      return true;
    };
    return { add, place };
  };
  outgoing.attach({ isRead: true, messages: 0, keep, acknowledged: () => {}, read: () => {} } as unknown as Backlog);
  outgoing.up();
  const deliver = (text: string, qos: 0 | 1): void => {
    const { subscriptionIds: _, ...packets } = messages([text], { qos, topic: 'a' });
    outgoing.deliver({ topic: topics.internName('a')!, publisher: null, ...packets } as unknown as Run);
    outgoing.endTurn();
  };
  return { outgoing, kept, places, deliver };
}

test('what is not acknowledged from one look to the next goes to disk, once, and nothing of QoS 0', () => {
  const { outgoing, kept, deliver } = make();
  deliver('old', 1);
  deliver('unimportant', 0);
  outgoing.tick();
  assert.equal(kept, []);
  deliver('new', 1);
  outgoing.tick();
  assert.equal(kept, ['old', 'new']);
  outgoing.tick();
  assert.equal(kept, ['old', 'new']);
});

test('what the disk has refused goes there again', () => {
  const { outgoing, kept, places, deliver } = make();
  deliver('refused', 1);
  outgoing.keep();
  places[0]!.pending = 0;
  outgoing.keep();
  assert.equal(kept, ['refused', 'refused']);
});

test('what is acknowledged in time does not', () => {
  const { outgoing, kept, deliver } = make();
  for (let seq = 1; seq < 10; seq++) {
    deliver(`${seq}`, 1);
    outgoing.tick();
    outgoing.acknowledged(seq);
    outgoing.tick();
  }
  assert.equal(kept, []);
});

test.run();
