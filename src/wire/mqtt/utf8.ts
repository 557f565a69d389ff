/**
 * Whether buf[start, end) is a string that MQTT allows: well-formed UTF-8 without surrogates or overlong forms [MQTT-1.5.4-1]
 * and without U+0000 [MQTT-1.5.4-2]. Control characters and non-characters, which the standard only advises against, pass.
 * U+FEFF is a character like any other [MQTT-1.5.4-3]. Allocates nothing.
 */
export function isMqttUtf8(buf: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end) {
    const byte = buf[i]!;
    if (byte < 0x80) {
      if (byte === 0) return false;
      i++;
      continue;
    }
    const size = sequenceSize(buf, i, end);
    if (size === 0) return false;
    i += size;
  }
  return true;
}

/**
 * Bytes of the multi-byte sequence at buf[i], 0 when it is ill-formed. The ranges are table 3-7 of the Unicode standard:
 * only the second byte's range depends on the first.
 */
function sequenceSize(buf: Uint8Array, i: number, end: number): number {
  const lead = buf[i]!;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (i + size > end) return 0;
  const second = buf[i + 1]!;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let j = i + 2; j < i + size; j++) if ((buf[j]! & 0xc0) !== 0x80) return 0;
  return size;
}
