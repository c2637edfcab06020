/** Colour of the i-th run: of the palette of Okabe and Ito, which colour-blind readers can tell apart. */
export function runColour(run: number): string {
  return `var(--r${run % RUN_COLOURS})`;
}

/** Dashes of the i-th run's lines, so that runs are told apart without colours too. */
export function runDash(run: number): number[] {
  return [...DASHES[run % DASHES.length]!];
}

/** Number of colours for runs, `--r0` to `--r7`. */
const RUN_COLOURS = 8;
const DASHES = [
  [1, 0],
  [6, 2],
  [2, 2],
  [8, 2, 2, 2],
] as const;

/** Number of steps of the scale of options, `--o0` to `--o11`. */
const OPTION_COLOURS = 12;

/** Colour of option k of K: a step of one scale where options are ordered, otherwise a colour of its own. */
export function optionColour(option: number, options: number, ordered: boolean): string {
  return ordered ? `var(--o${Math.round((option * (OPTION_COLOURS - 1)) / (options - 1))})` : runColour(option);
}

/** Number of steps of the scale of shares, `--h0` (none) to `--h9`. */
export const HEAT_COLOURS = 10;
