/**
 * Memberships, and changes of them, as bytes.
 *
 *   ids        = varint count, count × u53
 *   membership = ids voters, ids outgoing, ids learners, ids learnersNext
 *   change     = varint count, count × (u8 op, u53 id)
 */
import { type Membership, sortedIds } from '../membership.ts';
import type { ChangeOp, MemberChange, MembershipChange } from '../membership-change.ts';
import type { ReplicaId } from '../replica.ts';
import { ByteReader, MalformedBytes } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

const OPS: readonly ChangeOp[] = ['addVoter', 'addLearner', 'remove'];
const ID_BYTES = 8;
const CHANGE_BYTES = 9;

export function writeMembership(writer: ByteWriter, membership: Membership): void {
  for (const ids of [membership.voters, membership.outgoing, membership.learners, membership.learnersNext]) {
    writer.varint(ids.length);
    for (const id of ids) writer.u53(id);
  }
}

export function readMembership(reader: ByteReader): Membership {
  return { voters: readIds(reader), outgoing: readIds(reader), learners: readIds(reader), learnersNext: readIds(reader) };
}

function readIds(reader: ByteReader): ReplicaId[] {
  const ids = Array.from({ length: reader.count(ID_BYTES) }, () => reader.u53());
  return sortedIds(ids);
}

export function encodeChange(change: MembershipChange): Uint8Array {
  const writer = new ByteWriter(4 + CHANGE_BYTES * change.length);
  writer.varint(change.length);
  for (const { op, id } of change) {
    writer.u8(OPS.indexOf(op));
    writer.u53(id);
  }
  return writer.take();
}

export function decodeChange(bytes: Uint8Array): MembershipChange {
  const reader = new ByteReader(bytes);
  const change: MemberChange[] = Array.from({ length: reader.count(CHANGE_BYTES) }, () => {
    const op = OPS[reader.u8()];
    if (op === undefined) throw new MalformedBytes('unknown change');
    return { op, id: reader.u53() };
  });
  reader.end();
  return change;
}
