import { count as counted } from "../../src/core/util/index.ts";
import { count, pValue } from "../format.ts";
import { html, join, text, type Markup } from "./html.ts";
import { letter } from "./overview.ts";
import { runColour } from "./palette.ts";
import { tableElement } from "./tableElement.ts";
import { differencesTable } from "./tables.ts";
import type { Report } from "./types.ts";

/** Up to which adjusted p-value a difference is counted. */
const LEVEL = 0.05;

/** Differences between runs on the same rows. */
export function comparisons(report: Report): Markup | null {
  const { comparisons: compared, notCompared, runs } = report;
  if (compared.length + notCompared.length === 0) return null;
  const index = (name: string): number => runs.findIndex((run) => run.name === name);
  const title = (a: string, b: string): Markup =>
    html`<span class="key" style="color:${runColour(index(a))}">${letter(index(a))}</span> ${text(a, 80)} against
      <span class="key" style="color:${runColour(index(b))}">${letter(index(b))}</span> ${text(b, 80)}`;
  const tables = compared.map((comparison) => {
    const { a, b, metrics, mcnemar } = comparison;
    const { onlyA, onlyB, p } = mcnemar;
    const table = differencesTable(report, comparison);
    const differing = Object.values(metrics).filter(({ pAdjusted }) => pAdjusted < LEVEL).length;
    return html`<details>
      <summary>
        ${title(a, b)}
        <small>${count(differing)} of ${counted(table.rows.length, "metric")} with adjusted p &lt; ${LEVEL}</small>
      </summary>
      ${tableElement(table, "metrics")}
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
