/** Record batches for specs that do not care what is in them: a v2 header in front of some bytes. */
export function makeBatch(records: number, fill: number, bytes: number, maxTimestamp = 1000): Uint8Array {
  const batch = new Uint8Array(61 + bytes).fill(fill, 61);
  const view = new DataView(batch.buffer);
  view.setInt32(8, batch.length - 12);
  batch[16] = 2;
  view.setInt32(23, records - 1);
  view.setBigInt64(27, BigInt(maxTimestamp));
  view.setBigInt64(35, BigInt(maxTimestamp));
  view.setBigInt64(43, -1n);
  view.setInt32(57, records);
  return batch;
}
