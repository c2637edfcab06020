import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeSafetensors, SafetensorsFile } from "../../src/core/checkpoint/index.ts";
import {
  areFinite,
  bfloat16ToFloat32,
  CumaError,
  float16ToFloat32,
  float32ToBfloat16,
} from "../../src/core/util/index.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-safetensors-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("what is written is read, bit by bit", () => {
  const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });
  const tensors = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
    shape.chain((dims) => {
      const length = dims.reduce((a, b) => a * b, 1);
      const data = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: length, maxLength: length });
      return fc.record({ shape: fc.constant(dims), data });
    }),
    { maxKeys: 5 },
  );
  fc.assert(
    fc.property(tensors, fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), (given, metadata) => {
      const path = join(root, "a.safetensors");
      writeFileSync(path, encodeSafetensors(given, metadata));
      const file = SafetensorsFile.open(path);
      expect(new Set(file.names)).toEqual(new Set(Object.keys(given)));
      for (const [name, tensor] of Object.entries(given)) expect(file.read(name)).toEqual(tensor);
      expect({ ...file.metadata }).toEqual({ ...metadata });
      file.close();
    }),
  );
});

test("a file that is cut off or damaged is an error that names it, never a crash", () => {
  const path = join(root, "b.safetensors");
  const whole = encodeSafetensors({
    a: { shape: [2, 3], data: new Float32Array(6) },
    b: { shape: [], data: Float32Array.of(7) },
  });
  const open = (bytes: Uint8Array): void => {
    writeFileSync(path, bytes);
    const file = SafetensorsFile.open(path);
    try {
      for (const name of file.names) file.read(name);
    } finally {
      file.close();
    }
  };
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), (length) => {
      expect(() => open(whole.subarray(0, length))).toThrow(CumaError);
      expect(() => open(whole.subarray(0, length))).toThrow(path);
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = whole.slice();
      damaged[at] = byte;
      try {
        open(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(CumaError);
        expect((error as Error).message).toContain(path);
      }
    }),
  );
  expect(readFileSync(path).length).toBe(whole.length);
});

test("half precision numbers are exact, and bfloat16 rounds to even", () => {
  expect([...float16ToFloat32(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00))]).toEqual([
    1,
    -2,
    2 ** -24,
    65504,
    -0,
    Infinity,
  ]);
  expect(float16ToFloat32(Uint16Array.of(0x7e00))[0]).toBeNaN();
  expect([...bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc000, 0x0001))]).toEqual([1, -2, 2 ** -133]);
  const half = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, NaN);
  expect([...float32ToBfloat16(half)].slice(0, 2)).toEqual([0x3f80, 0x3f82]);
  expect(bfloat16ToFloat32(float32ToBfloat16(half))[2]).toBeNaN();
});

test.each(["BF16", "F16"] as const)(
  "every %s number, at even and odd places, is converted and known to be finite or not",
  (type) => {
    const convert = type === "BF16" ? bfloat16ToFloat32 : float16ToFloat32;
    const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    const values = convert(all);
    for (const bits of all) {
      const value = values[bits]!;
      expect(convert(Uint16Array.of(bits))[0]).toBe(value);
      const finite = Number.isFinite(value);
      expect(areFinite(Uint16Array.of(bits), type)).toBe(finite);
      expect(areFinite(Uint16Array.of(bits, 0x3c00), type)).toBe(finite);
      expect(areFinite(Uint16Array.of(0x3c00, bits), type)).toBe(finite);
    }
    const unaligned = new Uint16Array(all.buffer, 2, 5);
    expect([...convert(unaligned)]).toEqual([...values.subarray(1, 6)]);
  },
);

test("a number that is not finite is found in any piece of a bfloat16 tensor, and all pieces are read", () => {
  const length = 300_001;
  const path = join(root, "c.safetensors");
  const write = (bits: Uint16Array): SafetensorsFile => {
    const header = JSON.stringify({ a: { dtype: "BF16", shape: [length], data_offsets: [0, 2 * length] } });
    const bytes = Buffer.alloc(8 + header.length + 2 * length);
    bytes.writeBigUInt64LE(BigInt(header.length));
    bytes.write(header, 8);
    bytes.set(new Uint8Array(bits.buffer), 8 + header.length);
    writeFileSync(path, bytes);
    return SafetensorsFile.open(path);
  };
  const bits = Uint16Array.from({ length }, (_, i) => i % 0x7f80);
  const file = write(bits);
  expect(file.read("a").data).toEqual(bfloat16ToFloat32(bits));
  file.close();
  for (const at of [0, 131_071, 131_072, length - 1]) {
    const damaged = write(bits.with(at, 0xff80));
    expect(() => damaged.read("a")).toThrow(`tensor "a" holds -Infinity at element ${at}; expected finite numbers`);
    damaged.close();
  }
});

/** A file with this header and four bytes of data. */
function withHeader(header: string): string {
  const path = join(root, "header.safetensors");
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(4)]));
  return path;
}
const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

test.each([
  ["a tensor", `{"a":${entry("F32", "[1]", "[0,4]")},"a":${entry("F32", "[1]", "[0,4]")}}`, '"a"'],
  ["a tensor, once escaped", `{"a":${entry("F32", "[1]", "[0,4]")},"\\u0061":${entry("F32", "[1]", "[0,4]")}}`, '"a"'],
  ["a shape", `{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}`, '"shape"'],
  ["metadata", `{"__metadata__":{"k":"1","k":"2"},"a":${entry("F32", "[1]", "[0,4]")}}`, '"k"'],
])("a header that has %s twice is refused", (_, header, key) => {
  const path = withHeader(header);
  expect(() => SafetensorsFile.open(path)).toThrow(`${path}: the header has the key ${key} twice`);
});

test("signs of JSON inside of names are no structure", () => {
  const file = SafetensorsFile.open(
    withHeader(`{"__metadata__":{"a":"{:\\"a\\":}"},"a":${entry("F32", "[1]", "[0,4]")}}`),
  );
  expect(file.names).toEqual(["a"]);
  file.close();
});

test("a header begins with its brace", () => {
  const json = `{"a":${entry("F32", "[1]", "[0,4]")}}`;
  for (const before of ["\uFEFF", " ", "\n"]) {
    expect(() => SafetensorsFile.open(withHeader(before + json))).toThrow('expected it to begin with "{"');
  }
});

test.each([
  ["U32", "[1]"],
  ["I64", "[0]"],
  ["F8_E4M3", "[4]"],
  ["F4_OF_SOMEBODY", "[8]"],
])("a tensor of type %s does no harm until it is read", (dtype, shape) => {
  const bytes = dtype === "I64" ? 0 : 4;
  const other = bytes === 0 ? `,"b":${entry("F32", "[1]", "[0,4]")}` : "";
  const file = SafetensorsFile.open(withHeader(`{"a":${entry(dtype, shape, `[0,${bytes}]`)}${other}}`));
  expect(() => file.read("a")).toThrow(`tensor "a" has type ${dtype}; expected F32, F16, BF16 or F64`);
  file.close();
});

test("a header of any depth is an error, and short", () => {
  const deep = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;
  for (const header of [`{"a":${deep}}`, `{"a":${entry("F32", deep, "[0,4]")}}`, `{"__metadata__":{"a":${deep}}}`]) {
    const path = withHeader(header);
    expect(() => SafetensorsFile.open(path)).toThrow(CumaError);
    expect(() => SafetensorsFile.open(path)).toThrow(/^[^]{1,400}$/);
  }
});
