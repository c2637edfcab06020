import { count as counted } from "../../src/core/util/index.ts";
import { drawChart } from "./chart.ts";
import { interval, number } from "../format.ts";
import type { Markup } from "./html.ts";
import { cut, html, join, text } from "./html.ts";
import { letter } from "./overview.ts";
import { runColour } from "./palette.ts";
import type { Report, ReportRun } from "./types.ts";

/** Reliability diagrams: in bins of equal numbers of rows, how often the most probable option is right. */
export async function calibration({ runs }: Report): Promise<Markup | null> {
  const shown = runs.filter(({ details }) => details !== null && details.reliability.length > 0);
  if (shown.length === 0) return null;
  const figures = await Promise.all(shown.map((run) => runFigure(run, runs.indexOf(run))));
  return html`<p>
      Answered rows in up to 15 bins of equal numbers of rows, by the probability of the most probable option (equal
      probabilities stay together). On the diagonal that option is right as often as its probability says; below it the
      model is too sure. ECE is the mean distance from the diagonal.
    </p>
    <div class="charts">${join(figures)}</div>`;
}

async function runFigure(run: ReportRun, index: number): Promise<Markup> {
  const bins = run.details!.reliability;
  const ece = run.metrics["ece"];
  const scale = { domain: [0, 1] };
  const axis = { tickCount: 5 };
  const x = { field: "confidence", type: "quantitative" as const, title: "probability", scale, axis };
  const y = { field: "accuracy", type: "quantitative" as const, title: "share right", scale, axis };
  const below = bins.filter(({ confidence, accuracy }) => accuracy < confidence).length;
  const chart = await drawChart({
    id: `calibration-${index}`,
    title: `Reliability diagram: ${cut(run.name, 80)}`,
    description: `${counted(bins.length, "bin")} from probability ${number(bins[0]!.confidence, 3)} (right: ${number(bins[0]!.accuracy, 3)}) to ${number(bins.at(-1)!.confidence, 3)} (right: ${number(bins.at(-1)!.accuracy, 3)}). Below the diagonal: ${counted(below, "bin")}.${ece ? ` ECE ${number(ece.value)}.` : ""}`,
    spec: {
      width: 220,
      height: 220,
      layer: [
        {
          data: {
            values: [
              { confidence: 0, accuracy: 0 },
              { confidence: 1, accuracy: 1 },
            ],
          },
          mark: { type: "line", color: "var(--muted)", strokeDash: [4, 3] },
          encoding: { x, y },
        },
        {
          data: { values: bins.map((bin) => ({ ...bin })) },
          mark: { type: "point", filled: true, size: 45, opacity: 0.85, color: runColour(index) },
          encoding: { x, y },
        },
      ],
    },
  });
  return html`<figure>
    ${chart}
    <figcaption>
      <b>${letter(index)} ${text(run.name, 80)}</b>${ece ? ` ECE ${number(ece.value)} ${interval(ece)}` : ""}
    </figcaption>
  </figure>`;
}
