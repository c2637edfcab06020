import { count as counted } from "../../src/core/util/index.ts";
import { drawChart } from "./chart.ts";
import { count, number } from "../format.ts";
import type { Markup } from "./html.ts";
import { cut, html, join, text } from "./html.ts";
import { letter } from "./overview.ts";
import { runColour, runDash } from "./palette.ts";
import { trainingMeasures, type Report, type TrainingLog, type TrainingMeasure } from "./types.ts";

const titles: Readonly<Record<TrainingMeasure, string>> = {
  loss: "loss, nats a token",
  lr: "learning rate",
  effectiveExperts: "experts in use, exp of the load's entropy",
  profileDistance: "distance of routing between profiles (Jensen-Shannon)",
};

/** Where the curve of a measure begins and ends. */
export interface CourseOfMeasure {
  readonly measure: TrainingMeasure;
  readonly unit: string;
  readonly first: number;
  readonly last: number;
}

/** The measures that a training log has. */
export function courseOf({ curves }: TrainingLog): CourseOfMeasure[] {
  return trainingMeasures.flatMap((measure) => {
    const [first, last] = [curves[measure][0], curves[measure].at(-1)];
    return first && last ? [{ measure, unit: units[measure], first: first[1], last: last[1] }] : [];
  });
}

const units: Readonly<Record<TrainingMeasure, string>> = {
  loss: "nats a token",
  lr: "1",
  effectiveExperts: "experts",
  profileDistance: "1",
};

/** Digits of a measure where it is a text. */
export const digitsOf = (measure: TrainingMeasure): number => (measure === "lr" ? 6 : 4);

/** Training curves of the adapters whose training folders are known, all runs in one chart for each measure. */
export async function training({ runs }: Report): Promise<Markup | null> {
  const trained = runs.flatMap(({ name, training: log }, run) => (log === null ? [] : [{ name, log, run }]));
  if (trained.length === 0) return null;
  const charts = await Promise.all(trainingMeasures.map((measure) => measureChart(measure, trained)));
  return html`<p>Where there were many steps, a point is the mean over neighbouring ones.</p>
    <div class="charts">${join(charts.filter((chart) => chart !== null))}</div>
    <ul>
      ${trained.map(
        ({ name, log, run }) =>
          html`<li>
            <b>${letter(run)} ${text(name, 80)}</b>: ${counted(log.steps, "step")},
            ${text(log.folder)}${log.warnings.map(
              ({ step, message }) => html`<br />warning at step ${count(step)}: ${text(message)}`,
            )}
          </li>`,
      )}
    </ul>`;
}

type Trained = {
  readonly name: string;
  readonly log: TrainingLog;
  readonly run: number;
};

async function measureChart(measure: TrainingMeasure, trained: readonly Trained[]): Promise<Markup | null> {
  const shown = trained.filter(({ log }) => log.curves[measure].length > 0);
  if (shown.length === 0) return null;
  const said = shown.map(({ name, log }) => {
    const curve = log.curves[measure];
    const digits = digitsOf(measure);
    return `${cut(name, 80)}: from ${number(curve[0]![1], digits)} to ${number(curve.at(-1)![1], digits)}`;
  });
  const chart = await drawChart({
    id: `training-${measure}`,
    title: `Training: ${titles[measure]}`,
    description: `By step. ${said.join("; ")}.`,
    spec: {
      width: 245,
      height: 150,
      layer: shown.map(({ log, run }) => ({
        data: { values: log.curves[measure].map(([step, value]) => ({ step, value })) },
        mark: {
          type: "line" as const,
          color: runColour(run),
          strokeDash: runDash(run),
          strokeWidth: 1.5,
        },
        encoding: {
          x: { field: "step", type: "quantitative" as const, title: "step", axis: { tickCount: 4 } },
          y: {
            field: "value",
            type: "quantitative" as const,
            title: null,
            scale: { zero: measure === "lr" || measure === "profileDistance" },
            axis: { tickCount: 4, format: measure === "lr" ? "~g" : "~r" },
          },
        },
      })),
    },
  });
  return html`<figure>
    ${chart}
    <figcaption>
      <b>${measure}</b> ${titles[measure]}${shown.map(
        ({ run }) => html` <span class="key" style="color:${runColour(run)}">${letter(run)}</span>`,
      )}
    </figcaption>
  </figure>`;
}
