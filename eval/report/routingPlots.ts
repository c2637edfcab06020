/** Drawings of a topology: use of experts as heat maps, likeness of groups as a tree and on a plane. */
import { count as counted, largest } from "../../src/core/util/index.ts";
import type { Topology } from "../../router/index.ts";
import { number } from "../format.ts";
import { drawChart, drawing } from "./chart.ts";
import { cut, html, type Markup } from "./html.ts";
import { HEAT_COLOURS } from "./palette.ts";

export function heatKey(most: number): Markup {
  const steps = Array.from({ length: HEAT_COLOURS }, (_, level) => html`<i style="background:var(--h${level})"></i>`);
  return html`<span class="heat">0 ${steps} ${number(most, 3)}</span>`;
}

/** By level of the colour scale, a path of unit squares: column e and row i for rows[i][e]. */
function heatPaths(rows: readonly (readonly number[])[], most: number): Markup {
  const paths = Array.from({ length: HEAT_COLOURS }, () => "");
  for (const [i, row] of rows.entries()) {
    for (const [e, share] of row.entries()) {
      const level = most > 0 ? Math.min(HEAT_COLOURS - 1, Math.floor((share / most) * HEAT_COLOURS)) : 0;
      paths[level]! += `M${e} ${i}h1v1h-1z`;
    }
  }
  return html`${paths.map((d, level) => (d === "" ? null : html`<path fill="var(--h${level})" d="${d}" />`))}`;
}

export function smallHeatMap(
  id: string,
  router: string,
  layer: number,
  usage: readonly (readonly number[])[],
  order: readonly number[],
  most: number,
): Markup {
  const experts = usage[0]!.length;
  const height = Math.max(40, Math.min(160, order.length * 4));
  const totals = usage[0]!.map((_, e) => usage.reduce((sum, row) => sum + row[e]!, 0) / usage.length);
  const width = Math.max(90, experts * 6);
  return drawing(
    {
      id,
      title: `Use of experts in layer ${layer}, ${cut(router, 80)}`,
      description: `${counted(usage.length, "group")} by ${counted(experts, "expert")}. ${busiest(totals)}`,
    },
    { width, height },
    html`<g transform="scale(${width / experts} ${height / order.length})" shape-rendering="crispEdges"
      >${heatPaths(
        order.map((group) => usage[group]!),
        most,
      )}</g
    >`,
  );
}

/** The expert with the largest mean share, for descriptions. */
function busiest(shares: readonly number[]): string {
  const first = shares.indexOf(largest(shares));
  return `Expert ${first} has the largest mean share, ${number(shares[first]!, 3)}.`;
}

const ROW = 14;
const TREE = 80;
const NAMES = 125;
const HEAD = 14;

export function treeAndHeatMap(id: string, topology: Topology, most: number): Markup {
  const { groups, experts, usage, clustering } = topology;
  const cell = Math.max(4, Math.min(22, 135 / experts));
  const left = TREE + NAMES;
  const totals = Array.from({ length: experts }, (_, e) => usage.reduce((sum, row) => sum + row[e]!, 0) / usage.length);
  const names = clustering.order.map(
    (group, i) =>
      html`<text x="${left - 4}" y="${HEAD + i * ROW + ROW - 4}" text-anchor="end"
        >${cut(groups[group]!.name, 16)} <tspan fill="var(--muted)">${i + 1}</tspan></text
      >`,
  );
  const step = Math.ceil(16 / cell);
  const heads = Array.from({ length: experts }, (_, e) =>
    e % step === 0
      ? html`<text x="${round(left + (e + 0.5) * cell)}" y="${HEAD - 4}" text-anchor="middle">${e}</text>`
      : null,
  );
  return drawing(
    {
      id,
      title: "Use of experts by group, and the tree of groups that are routed alike",
      description: `${counted(groups.length, "group")} by ${counted(experts, "expert")}. ${busiest(totals)} The largest share is ${number(most, 3)}.`,
    },
    { width: round(left + experts * cell), height: HEAD + groups.length * ROW + 1 },
    html`<g font-size="10" fill="var(--fg)">${heads}${names}</g><path class="tree" d="${treePath(clustering)}" /><g
        transform="translate(${left} ${HEAD}) scale(${round(cell)} ${ROW})"
        shape-rendering="crispEdges"
        >${heatPaths(
          clustering.order.map((group) => usage[group]!),
          most,
        )}</g
      >`,
  );
}

/** The tree's brackets: leaves to the right, at the rows of their groups; a merge stands further left, the higher it is. */
function treePath({ merges, order }: Topology["clustering"]): string {
  const highest = Math.max(largest(merges.map(({ height }) => height)), 1e-12);
  const at: { x: number; y: number }[] = [];
  for (const [row, group] of order.entries()) at[group] = { x: TREE, y: HEAD + (row + 0.5) * ROW };
  let path = "";
  for (const [i, { left, right, height }] of merges.entries()) {
    const a = at[left]!;
    const b = at[right]!;
    const x = round(TREE - (height / highest) * (TREE - 4));
    path += `M${a.x} ${a.y}H${x}V${b.y}H${b.x}`;
    at[order.length + i] = { x, y: round((a.y + b.y) / 2) };
  }
  return path;
}

const round = (value: number): number => Math.round(value * 100) / 100;

const PLANE = 280;

export async function plane(id: string, { groups, embedding, clustering, distances }: Topology): Promise<Markup> {
  const row = new Map(clustering.order.map((group, i) => [group, i + 1]));
  // One unit is as long across as up, so that distances can be read.
  const half = 1.12 * Math.max(1e-9, largest(embedding.flatMap(({ x, y }) => [Math.abs(x), Math.abs(y)])));
  const pixel = (value: number): number => ((value + half) / (2 * half)) * PLANE;
  const values = embedding.map(({ x, y }, group) => ({ x: pixel(x), y: pixel(y), label: String(row.get(group)!) }));
  const [near, far] = extremes(distances);
  const scale = { domain: [0, PLANE], nice: false };
  const x = { field: "x", type: "quantitative" as const, axis: null, scale };
  const y = { field: "y", type: "quantitative" as const, axis: null, scale };
  const named = (pair: readonly [number, number]): string =>
    `${cut(groups[pair[0]]!.name, 60)} and ${cut(groups[pair[1]]!.name, 60)} (${number(distances[pair[0]]![pair[1]]!, 3)})`;
  return drawChart({
    id,
    title: "Groups on a plane by the distances between their routing",
    description:
      near && far ? `Nearest: ${named(near)}. Farthest: ${named(far)}.` : `${counted(groups.length, "group")}.`,
    spec: {
      width: PLANE,
      height: PLANE,
      view: { stroke: "var(--line)" },
      layer: [
        {
          data: { values },
          mark: { type: "point", filled: true, size: 30, color: "var(--r0)", opacity: 0.9 },
          encoding: { x, y },
        },
        {
          data: { values: placed(values) },
          mark: { type: "text", fontSize: 10 },
          encoding: { x, y, text: { field: "label", type: "nominal" } },
        },
      ],
    },
  });
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** Places beside points where labels cover neither points nor each other; a label that has none is left out. */
function placed(points: readonly Label[]): Label[] {
  const labels: Label[] = [];
  const free = (at: Label): boolean => {
    const width = 3.2 * at.label.length + 1;
    return (
      points.every(({ x, y }) => Math.abs(x - at.x) > width + 2 || Math.abs(y - at.y) > 7) &&
      labels.every(({ x, y }) => Math.abs(x - at.x) > 2 * width || Math.abs(y - at.y) > 10)
    );
  };
  for (const { x, y, label } of points) {
    const across = 3.2 * label.length + 5;
    const places = [
      [across, 0],
      [-across, 0],
      [0, 10],
      [0, -10],
    ] as const;
    const found = places.map(([dx, dy]) => ({ x: x + dx, y: y + dy, label })).find(free);
    if (found) labels.push(found);
  }
  return labels;
}

/** The pairs of groups that are nearest and farthest. */
function extremes(distances: Topology["distances"]): [[number, number] | undefined, [number, number] | undefined] {
  let near: [number, number] | undefined;
  let far: [number, number] | undefined;
  const at = ([a, b]: [number, number]): number => distances[a]![b]!;
  for (let a = 0; a < distances.length; a++) {
    for (let b = a + 1; b < distances.length; b++) {
      if (!near || at([a, b]) < at(near)) near = [a, b];
      if (!far || at([a, b]) > at(far)) far = [a, b];
    }
  }
  return [near, far];
}
