import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { tableFromIPC, tableToIPC, type RecordBatch, type Schema, type Table } from "apache-arrow";
import {
  Compression,
  ParquetFile,
  Table as WasmTable,
  writeParquet,
  WriterPropertiesBuilder,
  type RecordBatch as WasmBatch,
} from "parquet-wasm";
import { count, CumaError, formatBytes, messageOf } from "../util/index.ts";
import { readArrow } from "./readArrow.ts";
import { readBytes } from "../io/files.ts";
import { writeFileAtomic } from "../io/write.ts";

/** Key under which a file keeps its metadata, as one JSON object, so that its bytes do not depend on a map's order. */
export const METADATA_KEY = "cuma";

/** Largest file that is read. */
const MAX_BYTES = 2_000_000_000;
/** Rows that a reader decodes at a time, and how many bytes they should take. */
const BATCH_ROWS = 8192;
const BATCH_BYTES = 64_000_000;
/** Rows from which the others are judged. A file of some kB can hold a text of many MB in every row. */
const FIRST_ROWS = 64;
/** Decoding has 4 GB at most. */
const MAX_BATCH_BYTES = 1_000_000_000;

/**
 * Writes a Parquet file (zstd) or, where the name ends in `.arrow`, an Arrow IPC file. Equal tables give equal bytes
 * as long as their dictionaries carry explicit ids. The table's own schema metadata is kept.
 * @throws CumaError naming the file.
 */
export function writeColumnar(path: string, table: Table): void {
  if (path.toLowerCase().endsWith(".arrow")) {
    writeFileAtomic(path, tableToIPC(table, "file"));
    return;
  }
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setKeyValueMetadata(new Map(table.schema.metadata))
    .build();
  writeFileAtomic(path, writeParquet(WasmTable.fromIPCStream(tableToIPC(table, "stream")), properties));
}

/** Rows by column, a batch of them at a time. */
export interface Columnar {
  readonly schema: Schema;
  /** Can be gone through once. */
  readonly batches: AsyncIterable<RecordBatch>;
}

/**
 * Reads what `writeColumnar` writes, and such files of other programs. The batches of a Parquet file are decoded one by one.
 * @throws CumaError naming the file where it cannot be read, is of another format or damaged; now, or when a batch is read.
 */
export async function openColumnar(path: string, format: "parquet" | "arrow"): Promise<Columnar> {
  const bytes = readBytes(path, MAX_BYTES);
  const named = (error: unknown): CumaError => {
    if (error instanceof CumaError) return error;
    const known = format === "arrow" ? "an Arrow IPC" : "a Parquet";
    return new CumaError(`${path}: is not ${known} file, or is damaged: ${messageOf(error)}`, { cause: error });
  };
  try {
    const { schema, batches } = format === "arrow" ? fromArrow(bytes) : await fromParquet(path, bytes);
    return { schema, batches: naming(batches, named) };
  } catch (error) {
    throw named(error);
  }
}

async function* naming(batches: AsyncIterable<RecordBatch>, named: (error: unknown) => CumaError): Columnar["batches"] {
  const iterator = batches[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<RecordBatch>;
    try {
      next = await iterator.next();
    } catch (error) {
      throw named(error);
    }
    if (next.done) return;
    yield next.value;
  }
}

function fromArrow(bytes: Uint8Array): Columnar {
  const { schema, batches } = readArrow(bytes);
  return { schema, batches: Readable.from(batches) };
}

async function fromParquet(path: string, bytes: Uint8Array): Promise<Columnar> {
  const file = await ParquetFile.fromFile(new Blob([bytes]));
  const { schema } = tableFromIPC(file.schema().intoIPCStream());
  const batchSize = await batchRows(file);
  return { schema, batches: decoded(path, file, batchSize) };
}

/** How many rows are decoded at a time: fewer where the first ones are large. */
async function batchRows(file: ParquetFile): Promise<number> {
  const first = await file.read({ limit: FIRST_ROWS, batchSize: FIRST_ROWS });
  const bytes = first.recordBatches().reduce((sum, batch) => sum + batch.getArrayMemorySize(), 0);
  const rows = Math.floor((BATCH_BYTES / Math.max(1, bytes)) * FIRST_ROWS);
  return Math.min(BATCH_ROWS, Math.max(FIRST_ROWS, rows));
}

async function* decoded(path: string, file: ParquetFile, batchSize: number): Columnar["batches"] {
  const stream = (await file.stream({ batchSize })) as ReadableStream<WasmBatch>;
  for await (const batch of stream) {
    const bytes = batch.getArrayMemorySize();
    if (bytes > MAX_BATCH_BYTES) {
      const [found, most] = [formatBytes(bytes), formatBytes(MAX_BATCH_BYTES)];
      throw new CumaError(`${path}: ${count(batch.numRows, "row")} take ${found}; expected at most ${most}`);
    }
    yield* tableFromIPC(batch.intoIPCStream()).batches;
  }
}
