import { closeSync, openSync, readSync } from "node:fs";
import { extname } from "node:path";
import { CumaError, unknownName } from "../util/index.ts";
import { checkReadable } from "../io/files.ts";

export type Format = "parquet" | "arrow" | "json" | "csv" | "tsv";

/** The formats by the extensions that people give them. */
const formats: Readonly<Record<string, Format>> = {
  ".parquet": "parquet",
  ".pq": "parquet",
  ".arrow": "arrow",
  ".arrows": "arrow",
  ".feather": "arrow",
  ".ipc": "arrow",
  ".jsonl": "json",
  ".ndjson": "json",
  ".json": "json",
  ".csv": "csv",
  ".tsv": "tsv",
};

/** Whether a file is a table by its name. */
export function isTable(name: string): boolean {
  return Object.hasOwn(formats, extensionOf(name));
}

function extensionOf(path: string): string {
  return extname(path.replace(/\.gz$/i, "")).toLowerCase();
}

/**
 * The format of a table, by the name's extension, before ".gz" where it is text.
 * @throws CumaError for an extension that is none of a table's.
 */
export function formatOf(path: string): Format {
  const packed = path.toLowerCase().endsWith(".gz");
  const extension = extensionOf(path);
  const format = Object.hasOwn(formats, extension) ? formats[extension] : undefined;
  if (format === undefined) {
    throw new CumaError(`${path}: ${unknownName("file extension", extension, Object.keys(formats))}`);
  }
  if (packed && (format === "parquet" || format === "arrow")) {
    throw new CumaError(`${path}: unpack it first; only text is read from .gz`);
  }
  return format;
}

/** What each format begins with; texts begin with none of it. */
const magics: readonly { readonly format: Format; readonly name: string; readonly bytes: string }[] = [
  { format: "parquet", name: "a Parquet file", bytes: "PAR1" },
  { format: "arrow", name: "an Arrow file", bytes: "ARROW1" },
  { format: "arrow", name: "an Arrow stream", bytes: "\xff\xff\xff\xff" },
];

/**
 * @throws CumaError naming what the file is where its first bytes are those of another format than its name's.
 */
export function checkContent(path: string, format: Format): void {
  checkReadable(path);
  const head = Buffer.alloc(8);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  const text = head.toString("latin1");
  const found = magics.find(({ bytes }) => text.startsWith(bytes));
  if (found && found.format !== format) throw new CumaError(`${path}: is ${found.name}; give it the name of one`);
  if (text.startsWith("FEA1")) throw new CumaError(`${path}: is a Feather file of version 1; write it as version 2`);
  const utf16 = text.startsWith("\xff\xfe") || text.startsWith("\xfe\xff");
  if (utf16) throw new CumaError(`${path}: is UTF-16 text, as Excel's "Unicode text"; save it as UTF-8`);
}
