/** Saved bytes with another content and a checksum that is right. */

/** Sets the checksum of saved bytes, in place: CRC-32 bit by bit. */
export function seal(bytes: Uint8Array): Uint8Array {
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(0, -4)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  new DataView(bytes.buffer).setUint32(bytes.length - 4, ~crc >>> 0, true);
  return bytes;
}

/** Bytes with one word changed. */
export function forge(bytes: Uint8Array, word: number, value: number): Uint8Array {
  const forged = bytes.slice();
  const view = new DataView(forged.buffer);
  view.setUint32(16 + view.getUint32(8, true) + 4 * word, value, true);
  return seal(forged);
}
