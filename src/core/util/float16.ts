/** bfloat16 bits to float32: exact, the upper half of the word. */
export function bfloat16ToFloat32(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const pairs = pairsOf(bits);
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i]!;
    words[2 * i] = pair << 16;
    words[2 * i + 1] = pair & 0xffff0000;
  }
  if (bits.length % 2 === 1) words[bits.length - 1] = bits.at(-1)! << 16;
  return out;
}

/** Two elements in one word, the first in its lower half, and without the last of an odd number: half the loads and stores. */
function pairsOf(bits: Uint16Array): Uint32Array {
  const aligned = bits.byteOffset % 4 === 0 ? bits : bits.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, bits.length >> 1);
}

/** Whether there is no NaN and no infinity among half-width floats, bfloat16 or IEEE. */
export function areFinite(bits: Uint16Array, type: "BF16" | "F16"): boolean {
  // An exponent of ones, and only that, carries over into the place of the sign.
  const lowest = type === "BF16" ? 0x0080 : 0x0400;
  const [fields, carry] = [0x7fff7fff, lowest | (lowest << 16)];
  const pairs = pairsOf(bits);
  let carried = 0;
  for (let i = 0; i < pairs.length; i++) carried |= (pairs[i]! & fields) + carry;
  if (bits.length % 2 === 1) carried |= (bits.at(-1)! & 0x7fff) + lowest;
  return (carried & 0x80008000) === 0;
}

/** float32 to bfloat16 bits, rounding to nearest even; NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** IEEE half precision bits to float32: exact, subnormals and NaN included. */
export function float16ToFloat32(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const table = halfTable();
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!;
  return out;
}

let table: Float32Array | undefined;

function halfTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    table[half] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? sign * Infinity
            : NaN
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
