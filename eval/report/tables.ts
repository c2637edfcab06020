import { count as counted } from "../../src/core/util/index.ts";
import type { MetricResult } from "../metrics/index.ts";
import { count, interval, leftOut, number, pValue } from "../format.ts";
import type { Markup } from "./html.ts";
import { cut, html, join, text } from "./html.ts";
import { metricNames, notesOf } from "./names.ts";
import { letter } from "./overview.ts";
import { runColour } from "./palette.ts";
import type { Report, ReportRun, Subset } from "./types.ts";

/** Up to which adjusted p-value a difference is counted. */
const LEVEL = 0.05;

/** Every metric of every run with its interval and what it rests on. */
export function metricsTable({ runs }: Report): Markup {
  const names = metricNames(runs.map(({ metrics }) => metrics));
  const rows = names.map(
    (name) =>
      html`<tr>
        ${metricHead(name)}${runs.map(({ metrics }) => valueCell(metrics[name]))}
      </tr>`,
  );
  return scroll(
    html`<table class="metrics">
      <thead>
        <tr>
          <th scope="col">metric</th>
          ${runs.map(runHead)}
        </tr>
      </thead>
      <tbody>
        ${join(rows)}
      </tbody>
    </table>`,
  );
}

/** Runs by subset of their rows, such as groups that training has seen and groups held out from it. */
export function subsetsTable({ runs }: Report): Markup | null {
  const names = metricNames(runs.flatMap(({ subsets }) => subsets.map(({ metrics }) => metrics)));
  const subsets = [...new Set(runs.flatMap((run) => run.subsets.map((subset) => subset.name)))];
  if (subsets.length === 0) return null;
  const find = (run: ReportRun, name: string): Subset | undefined => run.subsets.find((subset) => subset.name === name);
  const rows = names.flatMap((name) =>
    subsets.map(
      (subset, i) =>
        html`<tr>
          ${i === 0 ? metricHead(name, true, subsets.length) : null}
          <th scope="row">${text(subset)}</th>
          ${runs.map((run) => valueCell(find(run, subset)?.metrics[name]))}
        </tr>`,
    ),
  );
  return html`<p>
      Held-out groups are those of which training has seen nobody: what a model does there it has learned from other
      groups.
    </p>
    ${scroll(
      html`<table class="metrics subsets">
        <thead>
          <tr>
            <th scope="col">metric</th>
            <th scope="col">groups</th>
            ${runs.map(runHead)}
          </tr>
        </thead>
        <tbody>
          ${join(rows)}
        </tbody>
      </table>`,
    )}`;
}

/** Differences between runs on the same rows. */
export function comparisonTables({ comparisons, notCompared, runs }: Report): Markup | null {
  if (comparisons.length + notCompared.length === 0) return null;
  const index = (name: string): number => runs.findIndex((run) => run.name === name);
  const title = (a: string, b: string): Markup =>
    html`<span class="key" style="color:${runColour(index(a))}">${letter(index(a))}</span> ${text(a, 80)} against
      <span class="key" style="color:${runColour(index(b))}">${letter(index(b))}</span> ${text(b, 80)}`;
  const tables = comparisons.map(({ a, b, metrics, mcnemar: { onlyA, onlyB, p } }) => {
    const rows = metricNames([metrics]).map((name) => {
      const found = metrics[name]!;
      return html`<tr>
        ${metricHead(name, false)}
        <td>${number(found.a)}</td>
        <td>${number(found.b)}</td>
        <td>${number(found.difference)}<small>${interval(found)}</small></td>
        <td>${pValue(found.p)}</td>
        <td>${pValue(found.pAdjusted)}</td>
        <td>${count(found.n)}</td>
      </tr>`;
    });
    const differing = Object.values(metrics).filter(({ pAdjusted }) => pAdjusted < LEVEL).length;
    return html`<details>
      <summary>
        ${title(a, b)}
        <small>${count(differing)} of ${counted(rows.length, "metric")} with adjusted p &lt; ${LEVEL}</small>
      </summary>
      ${scroll(
        html`<table class="metrics">
          <thead>
            <tr>
              <th scope="col">metric</th>
              <th scope="col">${letter(index(a))}</th>
              <th scope="col">${letter(index(b))}</th>
              <th scope="col">${letter(index(a))} - ${letter(index(b))}</th>
              <th scope="col">p</th>
              <th scope="col">p adjusted</th>
              <th scope="col">n</th>
            </tr>
          </thead>
          <tbody>
            ${join(rows)}
          </tbody>
        </table>`,
      )}
      <p>
        Exact McNemar test of accuracy: ${counted(onlyA, "row")} only ${letter(index(a))} has right, ${count(onlyB)}
        only ${letter(index(b))}; p ${pValue(p)}. It takes rows to be independent, which answers of one person are not.
      </p>
    </details>`;
  });
  const failed = notCompared.map(
    ({ a, b, why }) => html`<p class="note">${title(a, b)}: not compared: ${text(why)}</p>`,
  );
  return html`<p>
      Paired cluster bootstrap: in every resample the same people are drawn for both runs. A difference is the first
      run's value less the second's. p: two-sided, that there is no difference; adjusted for the number of metrics of a
      pair (Benjamini-Hochberg), not for the number of pairs.
    </p>
    ${join([...tables, ...failed])}`;
}

/** Something that was left out of some of a run's metrics. */
export interface LeftOut {
  readonly run: number;
  /** Which of the run's rows; null: all. */
  readonly subset: string | null;
  /** "no answer: 30" */
  readonly what: string;
  readonly metrics: readonly string[];
}

/** What was left out of which metrics, by run, subset and reason. */
export function leftOutOf(runs: Report["runs"]): LeftOut[] {
  return runs.flatMap((run, i) =>
    [{ name: null, metrics: run.metrics }, ...run.subsets].flatMap(({ name: subset, metrics }) => {
      const metricsOf = new Map<string, string[]>();
      for (const name of metricNames([metrics])) {
        for (const [why, n] of Object.entries(metrics[name]!.excluded)) {
          const key = leftOut({ [why]: n });
          metricsOf.set(key, [...(metricsOf.get(key) ?? []), name]);
        }
      }
      return [...metricsOf].map(([what, names]) => ({ run: i, subset, what, metrics: names }));
    }),
  );
}

/** What was left out of which metrics, by reason. */
export function leftOutTable({ runs }: Report): Markup | null {
  const rows = leftOutOf(runs).map(
    ({ run, subset, what, metrics }) =>
      html`<tr>
        <th scope="row">${runName(runs[run]!, run)}${subset === null ? null : html`, ${text(subset, 60)}`}</th>
        <td>${text(what)}</td>
        <td>${metrics.map((name) => cut(name, 60)).join(", ")}</td>
      </tr>`,
  );
  if (rows.length === 0) return html`<p>Nothing was left out of any metric.</p>`;
  return html`<p>Rows, unless a reason says otherwise.</p>
    ${scroll(
      html`<table class="words">
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col">left out</th>
            <th scope="col">of</th>
          </tr>
        </thead>
        <tbody>
          ${join(rows)}
        </tbody>
      </table>`,
    )}`;
}

/** A metric with its unit and direction. @param full With its title, too. @param span Rows that it heads. */
function metricHead(name: string, full = true, span = 1): Markup {
  const { title, unit, better } = notesOf(name);
  const direction = better === "neither" ? "neither direction is better" : `${better} is better`;
  const notes = [
    ...(full && title !== name ? [title] : []),
    ...(unit === "1" || title.includes(unit) ? [] : [unit]),
    direction,
  ];
  return html`<th ${span > 1 ? html`scope="rowgroup" rowspan="${span}"` : html`scope="row"`}>
    <bdi>${breakable(cut(name, 60))}</bdi><small>${notes.join("; ")}</small>
  </th>`;
}

/** A name that may be broken before its capitals. */
function breakable(name: string): Markup {
  return join(
    name.split(/(?=[A-Z])/).map((part) => html`${part}`),
    "<wbr>",
  );
}

function valueCell(result: MetricResult | undefined): Markup {
  if (!result) return html`<td>n/a</td>`;
  const left = Object.keys(result.excluded).length > 0 ? html`, <a href="#left-out">some left out</a>` : null;
  return html`<td>
    ${number(result.value)}<small>${interval(result)}</small><small>n ${count(result.n)}${left}</small>
  </td>`;
}

function runHead(run: ReportRun, index: number): Markup {
  return html`<th scope="col">${runName(run, index)}</th>`;
}

function runName(run: ReportRun, index: number): Markup {
  return html`<span class="key" style="color:${runColour(index)}">${letter(index)}</span> ${text(run.name, 60)}`;
}

/** Something wide, that scrolls by itself instead of the page. */
export function scroll(content: Markup): Markup {
  return html`<div class="scroll" tabindex="0">${content}</div>`;
}
