import { DataType, Type, Vector, type Data } from "apache-arrow";
import { CellError, cellOf, type Kind, type Kinds } from "./cells.ts";
import { timestampText, timeText } from "./dates.ts";

type Reader<T> = (row: number) => T;

/**
 * The cells of a column of an Arrow batch, as `cellOf` has them. Lists that are equal may be one array, which must not be
 * changed.
 * @throws CellError where the column's bytes do not hold what its type says.
 */
export function cellReader<K extends Kind>(column: Data, kind: K): Reader<Kinds[K] | null> {
  const convert = (value: unknown): Kinds[K] | null => cellOf(kind, value);
  if (kind === "numbers" && DataType.isList(column.type)) {
    const child = column.children[0] as Data;
    if (child.nullCount === 0 && isFloats(child.values)) {
      return numberLists(column, child) as Reader<Kinds[K] | null>;
    }
  }
  if (DataType.isDictionary(column.type)) return coded(column, convert);
  if (kind === "texts" && DataType.isList(column.type)) {
    const child = column.children[0] as Data;
    if (child.nullCount === 0 && DataType.isDictionary(child.type)) return sharedLists(column, child, convert);
  }
  const plain = reader(column);
  const short = kind === "text" && column.values instanceof Float32Array;
  return short ? (row) => convert(shortest(plain(row))) : (row) => convert(plain(row));
}

/**
 * Cells as plain values: lists as arrays, structs and maps as objects, dates, times and decimals as their texts, 64-bit
 * integers as bigints, what is null as null. A type that is none of these is an object of its name, to be shown.
 */
function reader(data: Data): Reader<unknown> {
  const read = readerOf(data);
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : null);
}

function readerOf(data: Data): Reader<unknown> {
  const { type } = data;
  const get = (): Reader<unknown> => {
    const vector = new Vector([data]);
    return (row) => vector.get(row) as unknown;
  };
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    checkOffsets(data, (data.values as Uint8Array).length);
    return get();
  }
  if (DataType.isUtf8View(type) || DataType.isBool(type)) return get();
  if (DataType.isInt(type) || DataType.isFloat(type)) {
    checkLength(data);
    return get();
  }
  if (DataType.isDictionary(type)) return coded(data, (value) => value);
  if (DataType.isDecimal(type)) return decimals(data, type.scale);
  if (DataType.isDate(type)) {
    const ms = get();
    return (row) => timestampText(BigInt(ms(row) as number), 1, false);
  }
  if (DataType.isTimestamp(type)) {
    checkLength(data);
    const zoned = Boolean(type.timezone);
    return (row) => timestampText((data.values as BigInt64Array)[row]!, type.unit, zoned);
  }
  if (DataType.isTime(type)) {
    checkLength(data);
    return (row) => timeText(BigInt((data.values as BigInt64Array | Int32Array)[row]!), type.unit);
  }
  if (DataType.isStruct(type) || DataType.isMap(type)) return records(data);
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) return lists(data);
  return DataType.isNull(type) ? () => null : () => ({ [Type[data.typeId]]: "..." });
}

function lists(data: Data): Reader<unknown[]> {
  const child = data.children[0] as Data;
  const item = reader(child);
  const range = rangeOf(data, child.length);
  return (row) => {
    const [from, to] = range(row);
    return Array.from({ length: to - from }, (_, i) => item(from + i));
  };
}

function records(data: Data): Reader<Record<string, unknown>> {
  if (DataType.isStruct(data.type)) {
    const fields = data.type.children.map(({ name }, i) => [name, reader(data.children[i]!)] as const);
    return (row) => Object.fromEntries(fields.map(([name, read]) => [name, read(row)]));
  }
  const entries = data.children[0] as Data;
  const [key, value] = entries.children.map((child) => reader(child));
  const range = rangeOf(data, entries.length);
  return (row) => {
    const [from, to] = range(row);
    return Object.fromEntries(
      Array.from({ length: to - from }, (_, i) => [String(key!(from + i)), value!(from + i)] as const),
    );
  };
}

/** Where a list's items lie. */
function rangeOf(data: Data, items: number): Reader<readonly [number, number]> {
  if (DataType.isFixedSizeList(data.type)) {
    const { listSize } = data.type;
    if (data.length * listSize > items) throw new CellError(`expected ${data.length * listSize} items in lists`);
    return (row) => [row * listSize, (row + 1) * listSize];
  }
  checkOffsets(data, items);
  const offsets = data.valueOffsets as Int32Array | BigInt64Array;
  return (row) => [Number(offsets[row]), Number(offsets[row + 1])];
}

/** @throws CellError where offsets turn back, or reach beyond what they are offsets of. */
function checkOffsets({ length, valueOffsets }: Data, end: number): void {
  const offsets = valueOffsets as Int32Array | BigInt64Array;
  let ascending = length === 0 || (offsets.length > length && offsets[0]! >= 0 && offsets[length]! <= end);
  for (let i = 0; i < length && ascending; i++) ascending = offsets[i]! <= offsets[i + 1]!;
  if (!ascending) throw new CellError(`expected offsets that ascend to at most ${end}`);
}

function checkLength({ length, values }: Data): void {
  if ((values as Float64Array).length < length) throw new CellError(`expected ${length} values`);
}

/** A dictionary's cells: each of its values is converted once. */
function coded<T>(data: Data, convert: (value: unknown) => T): Reader<T> {
  checkLength(data);
  const codes = data.values as Int32Array | BigInt64Array;
  const dictionary = dictionaryReader(data.dictionary as Vector);
  const size = (data.dictionary as Vector).length;
  const known = new Map<number, T>();
  const read = (row: number): T => {
    const code = Number(codes[row]);
    let value = known.get(code);
    if (value === undefined) {
      if (!(code >= 0 && code < size)) throw new CellError(`expected a code of ${size} in the dictionary`);
      known.set(code, (value = convert(dictionary(code))));
    }
    return value;
  };
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : convert(null));
}

/** A dictionary that was sent in pieces is a vector of several. */
function dictionaryReader(dictionary: Vector): Reader<unknown> {
  const pieces = dictionary.data.map((piece) => ({ length: piece.length, read: reader(piece as Data) }));
  if (pieces.length === 1) return pieces[0]!.read;
  return (code) => {
    let at = code;
    for (const { length, read } of pieces) {
      if (at < length) return read(at);
      at -= length;
    }
    return undefined;
  };
}

/** A type that comes from a file is no `Float64`, but a `Float` of such values. */
const isFloats = (values: unknown): values is Float32Array | Float64Array =>
  values instanceof Float64Array || values instanceof Float32Array;

function numberLists(data: Data, child: Data): Reader<number[] | null> {
  checkLength(child);
  const values = child.values as Float32Array | Float64Array;
  const range = rangeOf(data, child.length);
  return (row) => {
    if (!data.getValid(row)) return null;
    const [from, to] = range(row);
    const found: number[] = [];
    for (let i = from; i < to; i++) found.push(values[i]!);
    return found.every(Number.isFinite) ? found : (cellOf("numbers", found) as number[]);
  };
}

/** Lists that have been met before are found by their dictionary codes. */
function sharedLists<T>(data: Data, child: Data, convert: (value: unknown) => T): Reader<T> {
  const codes = child.values as Int32Array;
  const plain = lists(data);
  const range = rangeOf(data, child.length);
  /** By first code, the rows of different lists. */
  const known = new Map<number | undefined, { row: number; values: T }[]>();
  const same = (a: number, b: number): boolean => {
    const [from, to] = range(a);
    const [other, end] = range(b);
    if (to - from !== end - other) return false;
    for (let i = 0; i < to - from; i++) if (codes[from + i] !== codes[other + i]) return false;
    return true;
  };
  const read = (row: number): T => {
    const [from, to] = range(row);
    const first = to > from ? codes[from] : undefined;
    const lists = known.get(first);
    const found = lists?.find((candidate) => same(candidate.row, row));
    if (found) return found.values;
    const values = convert(plain(row));
    if (lists) lists.push({ row, values });
    else known.set(first, [{ row, values }]);
    return values;
  };
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : convert(null));
}

/** Digits of the widest decimals, those of 256 bits. */
const MAX_SCALE = 76;

/** Two's complement in 32-bit words, the lowest first, as a decimal text. */
function decimals({ values, stride, length }: Data, scale: number): Reader<string> {
  if (!(scale >= 0 && scale <= MAX_SCALE)) throw new CellError(`expected decimals of at most ${MAX_SCALE} places`);
  if ((values as Uint32Array).length < length * stride) throw new CellError(`expected ${length} values`);
  const words = values as Uint32Array;
  return (row) => {
    let number = 0n;
    for (let w = stride - 1; w >= 0; w--) number = (number << 32n) | BigInt(words[row * stride + w]!);
    number = BigInt.asIntN(32 * stride, number);
    const digits = String(number < 0n ? -number : number).padStart(scale + 1, "0");
    const whole = digits.slice(0, digits.length - scale);
    return `${number < 0n ? "-" : ""}${whole}${scale > 0 ? `.${digits.slice(digits.length - scale)}` : ""}`;
  };
}

/** The number whose text is the shortest of those that are the same in 32 bits. */
function shortest(value: unknown): unknown {
  if (typeof value !== "number") return value;
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
