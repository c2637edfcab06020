import { drawChart } from "./chart.ts";
import type { Markup } from "./html.ts";
import { cut, html, join } from "./html.ts";
import { metricNames, notesOf } from "./metricNotes.ts";
import { number } from "../format.ts";
import { runColour } from "./palette.ts";
import type { Report } from "./types.ts";

/** Metrics whose intervals are drawn, one chart each. */
const DRAWN = ["mci", "rho", "beta", "groupEmd", "emdProb", "accuracy", "nll"];

/** Values and intervals of the main metrics, one small chart for each. */
export async function overview({ runs }: Report): Promise<Markup> {
  const known = metricNames(runs.map(({ metrics }) => metrics));
  const names = DRAWN.filter((name) => known.includes(name));
  const charts = await Promise.all(names.map((name) => metricChart(name, runs)));
  return html`<div class="charts">${join(charts.filter((chart) => chart !== null))}</div>`;
}

async function metricChart(name: string, runs: Report["runs"]): Promise<Markup | null> {
  const { title, unit, better, ideal } = notesOf(name);
  const values = runs.flatMap(({ name: run, metrics }, i) => {
    const { value, low, high } = metrics[name] ?? { value: NaN, low: NaN, high: NaN };
    if (!Number.isFinite(value)) return [];
    const drawn = Number.isFinite(low) && Number.isFinite(high);
    return [{ run: label(i, run), value, low: drawn ? low : value, high: drawn ? high : value, colour: runColour(i) }];
  });
  if (values.length === 0) return null;
  const order = runs.map(({ name: run }, i) => label(i, run));
  const said = runs
    .map(({ name: run, metrics }) => `${cut(run, 80)} ${number(metrics[name]?.value ?? NaN)}`)
    .join(", ");
  const y = {
    field: "run",
    type: "nominal" as const,
    title: null,
    scale: { domain: order },
    axis: { labelLimit: 110, minExtent: 110, domain: false, ticks: false, grid: false },
  };
  const colour = { field: "colour", type: "nominal" as const, scale: null };
  const axis = { tickCount: 4, format: "~r" };
  const chart = await drawChart({
    id: `overview-${name}`,
    title: `${name}: ${title}`,
    description: `Values with intervals by run. ${said}.${ideal === null ? "" : ` A dashed line marks ${ideal}.`}`,
    spec: {
      width: 185,
      height: { step: 20 },
      data: { values },
      layer: [
        ...(ideal === null
          ? []
          : [
              {
                data: { values: [{ ideal }] },
                mark: { type: "rule" as const, color: "var(--muted)", strokeDash: [3, 3] },
                encoding: { x: { field: "ideal", type: "quantitative" as const } },
              },
            ]),
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: {
            y,
            x: { field: "low", type: "quantitative", title: null, scale: { zero: false }, axis },
            x2: { field: "high" },
            color: colour,
          },
        },
        {
          mark: { type: "point", filled: true, size: 55, opacity: 1 },
          encoding: { y, x: { field: "value", type: "quantitative", title: null }, color: colour },
        },
      ],
    },
  });
  const hint = better === "neither" ? "" : `, ${better} is better`;
  return html`<figure>
    ${chart}
    <figcaption><b>${name}</b> ${title}${unit === "1" || title.includes(unit) ? "" : `, ${unit}`}${hint}</figcaption>
  </figure>`;
}

/** A run in a chart: its letter keeps names that begin alike apart where they are cut. */
export function label(run: number, name: string): string {
  return `${letter(run)} ${cut(name, 60)}`;
}

/** "A" for the first run. */
export function letter(run: number): string {
  return String.fromCharCode(65 + run);
}
