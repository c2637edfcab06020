/** Cells of tables about metrics and runs. */
import { count, interval, number, pValue } from "../format.ts";
import type { MetricResult } from "../metrics/index.ts";
import { cut, html, join, text, type Markup } from "./html.ts";
import { notesOf } from "./metricNotes.ts";
import { letter } from "./overview.ts";
import { runColour } from "./palette.ts";
import type { Cell } from "./reportTable.ts";

/** Heads a column. @param inPage What a page calls it; null: a page has no such column. */
export function head(name: string, inPage: string | null = name): Cell {
  return { text: name, element: inPage === null ? null : html`<th scope="col">${inPage}</th>` };
}

/** Heads a column of a run's numbers. */
export function runHead(name: string, run: number): Cell {
  return { text: name, element: html`<th scope="col">${runName(name, run)}</th>`, tall: true };
}

/** Heads a row about some of a run's rows. @param subset null: about all. */
export function rowsOfRun(name: string, run: number, subset: string | null): Cell {
  const more = subset === null ? null : html`, ${text(subset, 60)}`;
  return {
    text: subset === null ? name : `${name}, ${subset}`,
    element: html`<th scope="row">${runName(name, run)}${more}</th>`,
  };
}

function runName(name: string, run: number): Markup {
  return html`<span class="key" style="color:${runColour(run)}">${letter(run)}</span> ${text(name, 60)}`;
}

/** Heads a row: a metric with its unit and direction. @param full With its title, too. @param span Rows that it heads. */
export function metricHead(name: string, full = true, span = 1): Cell {
  const { title, unit, better } = notesOf(name);
  const direction = better === "neither" ? "neither direction is better" : `${better} is better`;
  const notes = [
    ...(full && title !== name ? [title] : []),
    ...(unit === "1" || title.includes(unit) ? [] : [unit]),
    direction,
  ];
  const element = html`<th ${span > 1 ? html`scope="rowgroup" rowspan="${span}"` : html`scope="row"`}>
    <bdi>${breakable(cut(name, 60))}</bdi><small>${notes.join("; ")}</small>
  </th>`;
  return { text: name, element, tall: true };
}

/** A name that may be broken before its capitals. */
function breakable(name: string): Markup {
  return join(
    name.split(/(?=[A-Z])/).map((part) => html`${part}`),
    "<wbr>",
  );
}

/** Of a metric: what a page says in small print beside its name. */
export function aside(of: string): Cell {
  return { text: of, element: null };
}

/** The value of a metric with its interval and what it rests on. */
export function measured(result: MetricResult | undefined): Cell {
  if (!result) return { text: "n/a", element: html`<td>n/a</td>`, tall: true };
  const left = Object.keys(result.excluded).length > 0 ? html`, <a href="#left-out">some left out</a>` : null;
  const element = html`<td>
    ${number(result.value)}<small>${interval(result)}</small><small>n ${count(result.n)}${left}</small>
  </td>`;
  return { text: `${estimate(result.value, result)}, n ${result.n}`, element, tall: true };
}

/** A difference with its interval. */
export function difference(found: { readonly difference: number; readonly low: number; readonly high: number }): Cell {
  const element = html`<td>${number(found.difference)}<small>${interval(found)}</small></td>`;
  return { text: estimate(found.difference, found), element };
}

function estimate(value: number, of: { readonly low: number; readonly high: number }): string {
  return Number.isNaN(value) ? number(value) : `${number(value)} ${interval(of)}`;
}

const plain = (value: string, inPage = value): Cell => ({ text: value, element: html`<td>${inPage}</td>` });

export const numberCell = (value: number): Cell => plain(number(value));
export const pCell = (value: number): Cell => plain(pValue(value));
export const countCell = (value: number): Cell => plain(String(value), count(value));

/** Words from data. */
export const wordsCell = (words: string): Cell => ({ text: words, element: html`<td>${text(words)}</td>` });

/** Names from data. */
export const namesCell = (names: readonly string[]): Cell =>
  plain(names.join(", "), names.map((name) => cut(name, 60)).join(", "));
