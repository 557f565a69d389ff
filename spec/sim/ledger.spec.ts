import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Ledger, type Life, type Message, type Subscribed } from './ledger.ts';

const test = suite('ledger of the simulation');

const NEVER = Number.POSITIVE_INFINITY;

function subscribed(life: Life, filter: string, times: Partial<Subscribed> = {}): Subscribed {
  const sub: Subscribed = {
    filter,
    qos: 2,
    requestedMs: 1,
    grantedMs: 2,
    endRequestedMs: NEVER,
    endedMs: NEVER,
    ...times,
  };
  life.subscriptions.push(sub);
  return sub;
}

function published(ledger: Ledger, number: number, qos: 0 | 1 | 2, atMs = 10, ackedMs = 20): Message {
  const message = ledger.publish('p', 'a/b', qos, false, atMs, number);
  message.sends = 1;
  message.routings = 1;
  message.homes.add(1);
  message.ackedMs = ackedMs;
  return message;
}

test('what is owed: acknowledged while the subscription was certainly there', () => {
  const ledger = new Ledger();
  const owed = ledger.begin('owed', 0);
  subscribed(owed, 'a/+');
  subscribed(ledger.begin('late', 0), 'a/+', { grantedMs: 10 });
  subscribed(ledger.begin('leaving', 0), 'a/+', { endRequestedMs: 30 });
  subscribed(ledger.begin('weak', 0), 'a/+', { qos: 0 });
  subscribed(ledger.begin('other', 0), 'b/+');
  const lost = ledger.begin('lost', 0);
  subscribed(lost, '#');
  lost.isOver = true;
  const message = published(ledger, 1, 1);
  published(ledger, 2, 1, 10, NEVER);
  published(ledger, 3, 0, 10, 20);
  assert.equal([...ledger.missing()], [{ life: owed, message }]);
  assert.is(ledger.arrive(owed, 'p:1', 'a/b', 1, false, false), undefined);
  assert.equal([...ledger.missing()], []);
});

test('what must not come: unknown, elsewhere, unasked for, too often, at too high a QoS', () => {
  const ledger = new Ledger();
  const life = ledger.begin('c', 0);
  subscribed(life, 'a/b', { qos: 1 });
  published(ledger, 1, 2);
  published(ledger, 2, 1);
  const stranger = ledger.begin('d', 0);
  subscribed(stranger, 'a/b', { endRequestedMs: 3, endedMs: 5 });
  const arrive = (who: Life, payload: string, topic: string, qos: number, dup: boolean): string =>
    ledger.arrive(who, payload, topic, qos, dup, false) ?? 'fine';
  assert.match(arrive(life, 'p:9', 'a/b', 1, false), 'nobody');
  assert.match(arrive(life, 'p:1', 'a', 1, false), 'on topic');
  assert.match(arrive(life, 'p:1', 'a/b', 2, false), 'no subscription allows');
  assert.match(arrive(stranger, 'p:1', 'a/b', 0, false), 'no subscription allows');
  assert.is(arrive(life, 'p:1', 'a/b', 1, false), 'fine');
  assert.is(arrive(life, 'p:1', 'a/b', 1, true), 'fine');
  assert.match(arrive(life, 'p:1', 'a/b', 1, false), '2 times without DUP');
});

test('QoS 2 comes once, DUP or not, and first arrivals are in order', () => {
  const ledger = new Ledger();
  const life = ledger.begin('c', 0);
  subscribed(life, '#');
  published(ledger, 1, 2);
  published(ledger, 2, 2);
  assert.is(ledger.arrive(life, 'p:2', 'a/b', 2, false, false), undefined);
  assert.match(ledger.arrive(life, 'p:2', 'a/b', 2, true, false)!, '2 times at QoS 2');
  assert.match(ledger.arrive(life, 'p:1', 'a/b', 2, false, false)!, 'came after p:2');
});

test.run();
