import { clustersOf, type Clusters } from "../../src/core/stats/index.ts";
import { groupKey } from "../../src/core/text/group.ts";
import { CumaError, unknownName } from "../../src/core/util/index.ts";
import { makeCells, type Cells } from "../metrics/cells.ts";
import { prepareDispersion, type PreparedDispersion } from "../metrics/dispersion.ts";
import type { MetricInput } from "../metrics/metric.ts";
import type { Groups } from "../metrics/rows.ts";
import type { PredictionTable } from "./predictionTable.ts";

/** The attributes that make groups where none are asked for; one that names single rows only where there is no other. */
export function defaultGrouping(table: PredictionTable): string[] {
  if (table.attributes.has("country")) return ["country"];
  const [shared = [...table.attributes.keys()][0]] = sharedAttributes(table);
  return shared === undefined ? [] : [shared];
}

/** The attributes with a value that two rows have; the others, such as numbers of rows and dates, make no groups. */
export function sharedAttributes({ attributes }: PredictionTable): string[] {
  const known = (codes: Int32Array): number => codes.reduce((rows, code) => rows + Number(code >= 0), 0);
  return [...attributes].flatMap(([name, { codes, values }]) => (values.length < known(codes) ? [name] : []));
}

export function defaultCluster({ participant }: PredictionTable): "participant" | "question" {
  return participant.values.length > 0 ? "participant" : "question";
}

/** What metrics are computed from. @throws CumaError for an attribute that no row has. */
export function inputOf(
  table: PredictionTable,
  by: readonly string[] | undefined,
  attributes: readonly string[] | undefined,
  cluster: "participant" | "question",
): MetricInput {
  const groups = groupsOf(table, by ?? defaultGrouping(table));
  const clusters = cluster === "question" ? clustersOf(table.question, table.questions.length) : participants(table);
  const questionClusters = cluster === "question";
  let sums: Cells | undefined;
  const cells = (): Cells => (sums ??= makeCells({ table, clusters, groups }));
  let dispersion: PreparedDispersion | undefined;
  return {
    table,
    clusters,
    questionClusters,
    groups,
    attributes: (attributes ?? [...table.attributes.keys()]).map((name) => groupsOf(table, [name])),
    cells,
    dispersion: () => (dispersion ??= prepareDispersion({ cells, questionClusters })),
  };
}

function participants({ rows, participant }: PredictionTable): Clusters {
  let count = participant.values.length;
  const clusterOfRow = Int32Array.from({ length: rows }, (_, row) => {
    const code = participant.codes[row]!;
    return code >= 0 ? code : count++;
  });
  return clustersOf(clusterOfRow, count);
}

/** Rows by the combined values of attributes. @throws CumaError for an attribute that no row has. */
export function groupsOf(table: PredictionTable, by: readonly string[]): Groups {
  const columns = by.map((name) => {
    const column = table.attributes.get(name);
    if (!column) throw new CumaError(unknownName("attribute", name, table.attributes.keys()));
    return column;
  });
  const missing = by.length === 0 ? "no attribute" : `no ${by.join(" or ")}`;
  const [only] = columns;
  if (only && columns.length === 1) return { codes: only.codes, names: only.values, missing };
  const codeOf = new Map<string, number>();
  const codes = Int32Array.from({ length: table.rows }, (_, row) => {
    if (columns.length === 0 || columns.some((column) => column.codes[row]! < 0)) return -1;
    const name = groupKey(columns.map((column) => column.values[column.codes[row]!]!));
    let code = codeOf.get(name);
    if (code === undefined) codeOf.set(name, (code = codeOf.size));
    return code;
  });
  return { codes, names: [...codeOf.keys()], missing };
}
