/** Acknowledgements that wait for the disk: in the order of the packets, whatever the order of the writes. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packAck, Receipts } from '../../../src/actors/session/receipts.ts';
import { StagedWrite } from '../../../src/actors/shard/staged.ts';
import { PacketType } from '../../../src/wire/mqtt/constants.ts';
import { Peer } from './services.ts';

const test = suite('receipts');

interface Answer {
  readonly cmd: string;
  readonly messageId: number;
  readonly reasonCode?: number;
}

function subject(dialect: 0 | 1) {
  const peer = new Peer(dialect);
  const forgotten: number[] = [];
  let unwritten = 0;
  const receipts = new Receipts(peer.client, {
    forgetInbound: (packetId) => forgotten.push(packetId),
    unwritten: () => unwritten++,
  });
  peer.client.receipts = receipts;
  const answers = (): string[] =>
    (peer.received() as unknown as readonly Answer[]).map(
      ({ cmd, messageId, reasonCode }) => `${cmd} ${messageId}${reasonCode ? ` ${reasonCode}` : ''}`,
    );
  return { peer, receipts, answers, forgotten, unwritten: () => unwritten };
}

const puback = (packetId: number): number => packAck(PacketType.PUBACK, packetId, 0);

test('acknowledgements leave in the order of the packets, each when its writes and all before it are done', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }), { minLength: 1, maxLength: 20 }),
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
      (packets, order) => {
        const { receipts, answers } = subject(0);
        const writes = Array.from({ length: 6 }, () => new StagedWrite());
        // What needs no disk comes here only behind what does.
        const from = packets.findIndex((needs) => needs.length > 0);
        if (from < 0) return;
        const waiting = packets.slice(from);
        for (const [i, needs] of waiting.entries()) receipts.after(needs.map((n) => writes[n]!)).push(puback(i + 1));
        const done = new Set<number>();
        const heard: string[] = [];
        for (const n of order) {
          done.add(n);
          writes[n]!.committed(undefined, []);
          heard.push(...answers());
          const ready = waiting.findIndex((needs) => needs.some((need) => !done.has(need)));
          const expected = ready < 0 ? waiting.length : ready;
          assert.equal(
            heard,
            Array.from({ length: expected }, (_, i) => `puback ${i + 1}`),
          );
        }
      },
    ),
  );
});

test('what waits for the same write shares a receipt, and when nothing waits there is none', () => {
  const { peer, receipts, answers } = subject(1);
  const write = new StagedWrite();
  const acks = receipts.after([write]);
  assert.is(receipts.after([write]), acks);
  assert.is(receipts.after([]), acks, 'and what needs no disk goes with it');
  acks.push(puback(1), puback(2));
  write.committed(undefined, []);
  assert.equal(answers(), ['puback 1', 'puback 2']);
  assert.is(peer.client.receipts, null);
});

test('a full disk: 5.0 clients hear 0x97, and a message of QoS 2 that was not taken is new when it comes again', () => {
  const { receipts, answers, forgotten, unwritten } = subject(1);
  const write = new StagedWrite();
  receipts.after([write]).push(puback(1), packAck(PacketType.PUBREC, 2, 0));
  write.committed('SLUICE_STORAGE_FULL', []);
  assert.equal(answers(), [`puback 1 ${0x97}`, `pubrec 2 ${0x97}`]);
  assert.equal(forgotten, [2]);
  assert.is(unwritten(), 0);
});

test('a failure of one of several writes counts, whichever it is', () => {
  for (const failed of [0, 1]) {
    const { receipts, answers } = subject(1);
    const writes = [new StagedWrite(), new StagedWrite()];
    receipts.after(writes).push(puback(1));
    for (const [i, write] of writes.entries()) write.committed(i === failed ? 'SLUICE_STORAGE_FAILED' : undefined, []);
    assert.equal(answers(), [`puback 1 ${0x80}`]);
  }
});

test('who cannot be told is parted from: clients before 5.0, and any for a PUBREL or PUBCOMP', () => {
  for (const [dialect, type] of [
    [0, PacketType.PUBACK],
    [1, PacketType.PUBREL],
    [1, PacketType.PUBCOMP],
  ] as const) {
    const { receipts, answers, unwritten } = subject(dialect);
    const write = new StagedWrite();
    receipts.after([write]).push(packAck(type, 1, 0));
    write.committed('SLUICE_STORAGE_FULL', []);
    assert.equal(answers(), []);
    assert.is(unwritten(), 1);
  }
});

test('a connection that is closed hears nothing any more', () => {
  const { peer, receipts, answers } = subject(1);
  const write = new StagedWrite();
  receipts.after([write]).push(puback(1));
  peer.client.isClosed = true;
  write.committed(undefined, []);
  assert.equal(answers(), []);
});

test.run();
