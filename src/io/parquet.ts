import { readFileSync } from "node:fs";
import { Table, tableFromIPC, tableToIPC, type RecordBatch, type Schema } from "apache-arrow";
import { Compression, readParquet, Table as WasmTable, writeParquet, WriterPropertiesBuilder } from "parquet-wasm";
import { CumaError, messageOf } from "../util/index.ts";
import { fileError } from "./files.ts";
import { writeFileAtomic } from "./write.ts";

/** Key under which a file keeps its metadata, as one JSON object, so that its bytes do not depend on a map's order. */
export const METADATA_KEY = "cuma";

/** Rows that a reader decodes at a time. */
const BATCH_ROWS = 65_536;

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
  readonly batches: Iterable<RecordBatch>;
}

/**
 * Reads what `writeColumnar` writes, and such files of other programs, as one table.
 * @throws CumaError naming the file where it cannot be read or is of another format.
 */
export function readColumnar(path: string): Table {
  const { schema, batches } = openColumnar(path);
  return new Table(schema, [...batches]);
}

/**
 * As `readColumnar`, but the batches of a Parquet file are handed over one by one, so that its rows do not stand in
 * memory a second and a third time.
 * @throws CumaError naming the file where it cannot be read or is of another format.
 */
export function openColumnar(path: string): Columnar {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(path, "cannot be read", error);
  }
  const arrow = path.toLowerCase().endsWith(".arrow");
  try {
    if (arrow) return tableFromIPC(bytes);
    const table = readParquet(bytes, { batchSize: BATCH_ROWS });
    return { schema: tableFromIPC(table.schema.intoIPCStream()).schema, batches: batchesOf(table) };
  } catch (error) {
    const format = arrow ? "an Arrow IPC" : "a Parquet";
    throw new CumaError(`${path}: is not ${format} file, or is cut off: ${messageOf(error)}`, { cause: error });
  }
}

function* batchesOf(table: WasmTable): Generator<RecordBatch> {
  const batches = table.recordBatches();
  table.free();
  for (const batch of batches) yield* tableFromIPC(batch.intoIPCStream()).batches;
}
