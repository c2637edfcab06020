import { count as counted } from "../../src/core/util/index.ts";
import { mean } from "../metrics/result.ts";
import { drawing } from "./chart.ts";
import { count, number } from "../format.ts";
import type { Markup } from "./html.ts";
import { cut, html, join, text } from "./html.ts";
import { letter } from "./overview.ts";
import { optionColour, runColour } from "./palette.ts";
import type { GroupDetails, QuestionDetails, Report } from "./types.ts";

/** The most parts of bars that a page draws, about 8 bytes each; beyond it each question shows fewer groups. */
const MOST_PARTS = 600_000;
const MOST_QUESTIONS = 1000;

/** A question and what each run that has it shows of it. */
interface SharedQuestion {
  readonly question: QuestionDetails;
  readonly asked: string | undefined;
  readonly runs: { readonly run: number; readonly question: QuestionDetails }[];
}

/** A column of bars: people, or a run's predictions for the same rows. */
interface Column {
  readonly heading: string;
  /** null for people. */
  readonly run: number | null;
  readonly groups: ReadonlyMap<string, GroupDetails>;
}

/** Distributions of people and models side by side, question by question, a bar for each group. */
export function distributions({ runs }: Report): Markup | null {
  const all = sharedQuestions(runs);
  if (all.length === 0) return null;
  const questions = all.slice(0, MOST_QUESTIONS);
  const partsOfGroup = questions.reduce(
    (sum, { question, runs: having }) => sum + question.options.length * (having.length + 1),
    0,
  );
  const mostGroups = Math.max(1, Math.floor(MOST_PARTS / partsOfGroup));
  const cuts = [
    questions.length < all.length
      ? `The first ${count(questions.length)} of ${count(all.length)} questions are drawn.`
      : "",
    questions.some(({ question }) => question.groups.length > mostGroups)
      ? `Drawn of a question: at most ${counted(mostGroups, "group")}, those with most answers.`
      : "",
  ].filter((note) => note !== "");
  return html`<p>
      For each question, a bar for each group: the shares of its options, of people and of each run. Bars of a run that
      look alike in all groups while those of people differ are what collapse looks like. n: the number of answers of a
      group (of equal weight); "known" where the data has a distribution instead of answers. A summary's numbers are the
      mean distance (EMD) of the question's groups. ${cuts.join(" ")}
    </p>
    ${join(questions.map((shared, i) => questionBlock(shared, runs, i, mostGroups)))}`;
}

/** Questions of all runs; those of equal id and options are one. */
function sharedQuestions(runs: Report["runs"]): SharedQuestion[] {
  const found = new Map<string, SharedQuestion>();
  for (const [run, { details, questions }] of runs.entries()) {
    for (const question of details?.questions ?? []) {
      if (question.groups.length === 0) continue;
      const key = JSON.stringify([question.id, question.options]);
      const asked = questions && Object.hasOwn(questions, question.id) ? questions[question.id] : undefined;
      const shared = found.get(key) ?? { question, asked, runs: [] };
      shared.runs.push({ run, question });
      found.set(key, shared);
    }
  }
  return [...found.values()];
}

function questionBlock(
  { question, asked, runs: having }: SharedQuestion,
  runs: Report["runs"],
  index: number,
  mostGroups: number,
): Markup {
  const { id, options, ordered } = question;
  const names = groupNames(having, mostGroups);
  const distances = having.map(
    ({ run, question: { groups } }) => `${letter(run)} ${number(mean(groups.map(({ emd }) => emd)), 3)}`,
  );
  const columns = columnsOf(having, runs);
  const drawn = columns.map((column, c) => columnMarkup(column, names, question, `q${index}-${c}`));
  const legend = options.map(
    (option, k) => html`<li><i style="background:${optionColour(k, options.length, ordered)}"></i>${text(option)}</li>`,
  );
  return html`<details class="question" ${index === 0 ? html` open` : null}>
    <summary>${text(id, 80)} <small>${counted(names.length, "group")}, EMD ${distances.join(", ")}</small></summary>
    ${asked === undefined ? null : html`<p>${text(asked, 500)}</p>`}
    <ul class="options">
      ${legend}
    </ul>
    <div class="scroll" tabindex="0">
      <div
        class="bars"
        style="grid-template-columns:minmax(9em,12em) ${columns.map(({ run }) => (run === null ? "auto minmax(5em,1fr)" : "minmax(5em,1fr)")).join(" ")};--g:${names.length}"
      >
        <b>group</b>${drawn.map(({ heading }) => heading)}
        <ol>
          ${names.map((name) => html`<li>${text(name, 60)}</li>`)}
        </ol>
        ${drawn.map(({ body }) => body)}
      </div>
    </div>
  </details>`;
}

/** Groups that any run has, by name; at most so many: those with most answers. */
function groupNames(having: SharedQuestion["runs"], most: number): string[] {
  const sizes = new Map<string, number>();
  for (const { question } of having) {
    for (const { group, n } of question.groups) sizes.set(group, Math.max(n, sizes.get(group) ?? 0));
  }
  const names = [...sizes.keys()].sort();
  if (names.length <= most) return names;
  const largest = new Set([...names].sort((a, b) => compareSizes(sizes.get(b)!, sizes.get(a)!)).slice(0, most));
  return names.filter((name) => largest.has(name));
}

const compareSizes = (a: number, b: number): number => (a === b ? 0 : a - b);

/** People's column before the runs that were measured against them; runs on the same people share it. */
function columnsOf(having: SharedQuestion["runs"], runs: Report["runs"]): Column[] {
  const peoples: { readonly people: QuestionDetails; readonly columns: Column[] }[] = [];
  for (const { run, question } of having) {
    const groups = new Map(question.groups.map((group) => [group.group, group]));
    let same = peoples.find(({ people }) => sameTruth(people, question));
    if (!same) peoples.push((same = { people: question, columns: [{ heading: "people", run: null, groups }] }));
    same.columns.push({ heading: runs[run]!.name, run, groups });
  }
  return peoples.flatMap(({ columns }) => columns);
}

function sameTruth(a: QuestionDetails, b: QuestionDetails): boolean {
  return (
    a.groups.length === b.groups.length &&
    a.groups.every((group, i) => {
      const other = b.groups[i]!;
      return (
        group.group === other.group && group.n === other.n && group.truth.every((share, k) => share === other.truth[k])
      );
    })
  );
}

function columnMarkup(
  { heading, run, groups }: Column,
  names: readonly string[],
  { id, options, ordered }: QuestionDetails,
  figure: string,
): { heading: Markup; body: Markup } {
  const rows = names.map((name) => groups.get(name));
  const shares = rows.map((row) => row && (run === null ? row.truth : row.predicted));
  const means = options.map((_, k) => mean(shares.map((share) => share?.[k] ?? NaN)));
  const paths = options.map((_, k) => partsOfOption(shares, k));
  const bars = drawing(
    {
      id: figure,
      title: `${cut(id, 80)}: ${run === null ? "people" : cut(heading, 80)}`,
      description: `Shares of ${options.length} options in ${counted(names.length, "group")}; mean over groups: ${means.map((share) => number(share, 2)).join(", ")}.`,
    },
    { width: BAR, height: 2 * names.length, stretch: true },
    html`${paths.map((d, k) => (d === "" ? null : html`<path stroke="${optionColour(k, options.length, ordered)}" d="${d}" />`))}`,
  );
  if (run !== null) {
    return {
      heading: html`<b
        ><span class="key" style="color:${runColour(run)}">${letter(run)}</span> ${text(heading, 40)}</b
      >`,
      body: bars,
    };
  }
  const sizes = rows.map((row) => (row === undefined ? "" : row.n === Infinity ? "known" : number(row.n, 0)));
  return {
    heading: html`<b class="n">n</b><b>people</b>`,
    body: html`<ol class="n">
        ${sizes.map((size) => html`<li>${size}</li>`)}
      </ol>
      ${bars}`,
  };
}

/** Width of a bar in its drawing; shares are drawn to one part of it. */
const BAR = 200;

/** Path of one option's parts: row i is a line at height 2i + 1, from the option's lower to its upper cumulative share. */
function partsOfOption(rows: readonly (readonly number[] | undefined)[], option: number): string {
  let path = "";
  for (const [i, shares] of rows.entries()) {
    if (!shares) continue;
    let before = 0;
    for (let k = 0; k < option; k++) before += shares[k]!;
    const from = Math.round(BAR * before);
    const to = Math.round(BAR * (before + shares[option]!));
    if (to > from) path += `M${from} ${2 * i + 1}h${to - from}`;
  }
  return path;
}
