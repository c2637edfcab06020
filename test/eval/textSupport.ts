import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Float64, List, Field, Table, Utf8, vectorFromArray, type Vector } from "apache-arrow";
import { writeColumnar } from "../../src/core/tables/columnar.ts";

export const formats = [".parquet", ".arrow", ".jsonl", ".csv", ".tsv"] as const;

type Cell = string | number | readonly number[] | null;

/** Files of one test, in a folder of their own. */
export class Files {
  private readonly root = mkdtempSync(join(tmpdir(), "cuma-texts-"));
  private count = 0;

  write(extension: string, content: string): string {
    const path = join(this.root, `${this.count++}${extension}`);
    writeFileSync(path, content);
    return path;
  }

  /** Rows in any format, as other programs write them. Every column is a key of the first row. */
  rows(extension: (typeof formats)[number], rows: readonly Readonly<Record<string, Cell>>[]): string {
    const names = Object.keys(rows[0]!);
    if (extension === ".jsonl") return this.write(extension, rows.map((row) => JSON.stringify(row)).join("\n"));
    if (extension === ".csv" || extension === ".tsv") {
      const separator = extension === ".csv" ? "," : "\t";
      const quoted = (value: Cell): string => {
        const text = value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
        return /["\n,\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      };
      const lines = rows.map((row) => names.map((name) => quoted(row[name]!)).join(separator));
      return this.write(extension, [names.join(separator), ...lines].join("\n"));
    }
    const path = join(this.root, `${this.count++}${extension}`);
    const column = (name: string): Vector => {
      const cells = rows.map((row) => row[name]!);
      if (cells.some(Array.isArray)) return vectorFromArray(cells, new List(new Field("item", new Float64(), true)));
      return vectorFromArray(cells, cells.some((cell) => typeof cell === "number") ? new Float64() : new Utf8());
    };
    writeColumnar(path, new Table(Object.fromEntries(names.map((name) => [name, column(name)]))));
    return path;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Text files of objects, one a line. */
export const jsonl = (...rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");
