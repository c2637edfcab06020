import { drawChart } from "./chart.ts";
import { count as counted, largest } from "../../src/core/util/index.ts";
import { count, interval, number, pValue } from "../format.ts";
import type { Markup } from "./html.ts";
import { cut, html, join, text } from "./html.ts";
import { letter } from "./overview.ts";
import { runColour } from "./palette.ts";
import type { QuestionDetails, Report, ReportRun } from "./types.ts";

/** The most questions that are drawn as points. */
const MOST_POINTS = 1000;

/**
 * How far groups lie apart, question by question, in the truth and in the model: sqrt D(F_true) against sqrt D(F_pred).
 * On the diagonal groups are as spread as they are; on the ground everybody gets the same prediction. MCI stands beside
 * rho and beta, as it must.
 */
export async function collapse({ runs }: Report): Promise<Markup | null> {
  const shown = runs.filter(({ details, metrics }) => details && hasTriple(metrics));
  if (shown.length === 0) return null;
  const widest = Math.max(
    1e-9,
    largest(
      shown.flatMap(({ details }) =>
        details!.questions.map(({ dispersion }) => Math.max(spreadOf(dispersion.true), spreadOf(dispersion.predicted))),
      ),
    ),
  );
  const figures = await Promise.all(shown.map((run) => runFigure(run, runs.indexOf(run), widest)));
  return html`<p>
      Each point is a question. Across: how far the groups' true distributions lie apart, √D(F<sub>true</sub>), sampling
      noise subtracted. Up: how far the predicted ones do, √D(F<sub>pred</sub>). On the solid diagonal predictions are
      as spread as people; at the bottom every group gets the same prediction; above the diagonal differences are
      exaggerated. The dashed line has the slope R = 1 - MCI of all questions together. How far groups differ says
      nothing of whether they differ the right way: that is rho. beta = rho R is the share of a true difference that
      shows. dispersionP, where it is known, says how often groups drawn at random are predicted as far apart.
    </p>
    <div class="charts">${join(figures)}</div>`;
}

function hasTriple(metrics: ReportRun["metrics"]): boolean {
  return ["mci", "rho", "beta"].every((name) => Object.hasOwn(metrics, name));
}

const spreadOf = (dispersion: number): number => Math.sqrt(Math.max(0, dispersion));

async function runFigure(run: ReportRun, index: number, widest: number): Promise<Markup> {
  const { questions } = run.details!;
  const points = evenly(questions, MOST_POINTS).map(({ dispersion }) => ({
    truth: spreadOf(dispersion.true),
    model: spreadOf(dispersion.predicted),
  }));
  const noise = questions.filter(({ dispersion }) => dispersion.true <= 0).length;
  const { mci, rho, beta } = run.metrics as Record<"mci" | "rho" | "beta", ReportRun["metrics"][string]>;
  const dispersionP = run.metrics["dispersionP"];
  const slope = 1 - mci.value;
  const end = widest * 1.05;
  const line = (values: readonly object[], strokeDash: number[]) => ({
    data: { values: [...values] },
    mark: { type: "line" as const, color: "var(--muted)", strokeDash, clip: true },
    encoding: {
      x: { field: "x", type: "quantitative" as const },
      y: { field: "y", type: "quantitative" as const },
    },
  });
  const scale = { domain: [0, end], nice: false };
  const axis = { tickCount: 4, format: "~r" };
  const chart = await drawChart({
    id: `collapse-${index}`,
    title: `Spread between groups by question, true against predicted: ${cut(run.name, 80)}`,
    description: `${counted(questions.length, "question")}. MCI ${number(mci.value)}, rho ${number(rho.value)}, beta ${number(beta.value)}${dispersionP ? `, dispersionP ${pValue(dispersionP.value)}` : ""}. Below the diagonal, where the model separates groups less than they are: ${count(questions.filter(({ dispersion }) => dispersion.predicted < dispersion.true).length)}.`,
    spec: {
      width: 220,
      height: 220,
      layer: [
        line(
          [
            { x: 0, y: 0 },
            { x: end, y: end },
          ],
          [1, 0],
        ),
        ...(Number.isFinite(slope)
          ? [
              line(
                [
                  { x: 0, y: 0 },
                  { x: end, y: slope * end },
                ],
                [5, 3],
              ),
            ]
          : []),
        {
          data: { values: points },
          mark: { type: "point", filled: true, size: 34, opacity: 0.75, color: runColour(index) },
          encoding: {
            x: { field: "truth", type: "quantitative", title: "true spread", scale, axis },
            y: { field: "model", type: "quantitative", title: "predicted spread", scale, axis },
          },
        },
      ],
    },
  });
  const notes = [
    noise > 0 ? `At the left edge: ${counted(noise, "question")} whose groups do not differ beyond noise.` : "",
    points.length < questions.length
      ? `${count(points.length)} of ${count(questions.length)} questions are drawn.`
      : "",
  ].filter((note) => note !== "");
  return html`<figure>
    ${chart}
    <figcaption>
      <b>${letter(index)} ${text(run.name, 80)}</b>
      <dl class="triple">
        <div>
          <dt>MCI</dt>
          <dd>${number(mci.value)}<small>${interval(mci)}</small></dd>
        </div>
        <div>
          <dt>rho</dt>
          <dd>${number(rho.value)}<small>${interval(rho)}</small></dd>
        </div>
        <div>
          <dt>beta</dt>
          <dd>${number(beta.value)}<small>${interval(beta)}</small></dd>
        </div>
        ${
          dispersionP
            ? html`<div>
                <dt>dispersionP</dt>
                <dd>${pValue(dispersionP.value)}</dd>
              </div>`
            : null
        }
      </dl>
      ${notes.join(" ")}
    </figcaption>
  </figure>`;
}

/** At most `most` of the questions, at even distances. */
function evenly(questions: readonly QuestionDetails[], most: number): QuestionDetails[] {
  const step = Math.max(1, questions.length / most);
  return Array.from({ length: Math.min(most, questions.length) }, (_, i) => questions[Math.floor(i * step)]!);
}
