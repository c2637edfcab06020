import { count as counted } from "../../src/core/util/index.ts";
import { calibration } from "./calibration.ts";
import { collapse } from "./collapse.ts";
import { comparisons } from "./comparisons.ts";
import { distributions } from "./distributions.ts";
import { cut, html, join, Markup, text } from "./html.ts";
import { letter, overview } from "./overview.ts";
import { runColour } from "./palette.ts";
import { routing } from "./routing.ts";
import { style } from "./style.ts";
import { tableElement } from "./tableElement.ts";
import { leftOutTable, metricsTable, subsetRows } from "./tables.ts";
import { training } from "./training.ts";
import type { Fact, Report, ReportRun } from "./types.ts";

interface Section {
  readonly id: string;
  readonly title: string;
  /** null where there is nothing to show. */
  readonly body: Markup | null;
}

/**
 * A report as one HTML page that needs nothing else: no network, no scripts. Equal reports give equal text.
 */
export async function reportPage(report: Report): Promise<string> {
  const sections: Section[] = [
    { id: "metrics", title: "Metrics", body: await metrics(report) },
    { id: "tests", title: "Differences between runs", body: comparisons(report) },
    { id: "collapse", title: "Mean collapse", body: await collapse(report) },
    { id: "held-out", title: "Seen and held-out groups", body: subsets(report) },
    { id: "calibration", title: "Calibration", body: await calibration(report) },
    { id: "distributions", title: "Distributions by question and group", body: distributions(report) },
    { id: "routing", title: "Routing", body: await routing(report) },
    { id: "training", title: "Training", body: await training(report) },
    { id: "left-out", title: "What was left out", body: leftOut(report) },
    { id: "provenance", title: "Configuration, versions and hashes", body: provenance(report) },
  ];
  const shown = sections.filter((section): section is Section & { readonly body: Markup } => section.body !== null);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${cut(report.title, 300)}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>${text(report.title)}</h1>
          <p>${summary(report)}</p>
          <ul class="runs">
            ${report.runs.map(runLine)}
          </ul>
          <nav aria-label="Contents">
            <ol>
              ${shown.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ol>
          </nav>
        </header>
        <main>
          ${join(
            shown.map(
              ({ id, title, body }) =>
                html`<section aria-labelledby="${id}">
                  <h2 id="${id}">${title}</h2>
                  ${body}
                </section>`,
            ),
          )}
        </main>
      </body>
    </html> `;
  return page.text;
}

function summary({ runs, by }: Report): string {
  const groups = by.length > 0 ? ` Groups: ${by.map((name) => cut(name, 80)).join(" and ")}.` : "";
  return `${counted(runs.length, "evaluated model")}.${groups} Intervals are 95% intervals of a bootstrap that draws participants whole (questions, where no row has a participant or the configuration says so); "n/a" is a number that does not apply.`;
}

function runLine(run: ReportRun, index: number): Markup {
  const { details, notes } = run;
  const size = details
    ? ` ${counted(details.examples, "example")}, ${counted(details.participants, "participant")}, ${counted(details.questions.length, "question")}`
    : " results without predictions: nothing but the metrics can be shown";
  return html`<li>
    <span class="key" style="color:${runColour(index)}">${letter(index)}</span> <b>${text(run.name)}</b
    ><small>${size}</small>${notes.map((note) => html`<p class="note">${text(note, 1000)}</p>`)}
  </li>`;
}

async function metrics(report: Report): Promise<Markup> {
  return html`${await overview(report)}
    <p>
      Never read MCI without rho and beta: noise has a low MCI too. Where a question and a group have only a few
      answers, distances and entropy grow with sampling noise: compare them between models on the same people.
    </p>
    ${tableElement(metricsTable(report), "metrics")}`;
}

function subsets(report: Report): Markup | null {
  if (report.runs.every((run) => run.subsets.length === 0)) return null;
  return html`<p>
      Held-out groups are those of which training has seen nobody: what a model does there it has learned from other
      groups.
    </p>
    ${tableElement(subsetRows(report), "metrics subsets")}`;
}

function leftOut(report: Report): Markup {
  const table = leftOutTable(report);
  if (table.rows.length === 0) return html`<p>Nothing was left out of any metric.</p>`;
  return html`<p>Rows, unless a reason says otherwise.</p>
    ${tableElement(table, "words")}`;
}

function provenance({ facts, runs }: Report): Markup {
  return html`${factList(facts)}
  ${join(
    runs.map(
      (run, i) =>
        html`<details>
          <summary><span class="key" style="color:${runColour(i)}">${letter(i)}</span> ${text(run.name, 80)}</summary>
          ${factList(run.facts)}
        </details>`,
    ),
  )}`;
}

function factList(facts: readonly Fact[]): Markup {
  return html`<dl class="facts">
    ${facts.map(
      ({ name, value }) =>
        html`<dt>${text(name, 120)}</dt>
          <dd>${text(value)}</dd>`,
    )}
  </dl>`;
}
