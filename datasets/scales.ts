/** Answers that are none: they are dropped, and the others renormalised. */
const NON_RESPONSE =
  /^(dk\b|don'?t\b.{0,3}(know|-9)|no answer|refused|missing\b|other missing\b|inap\b|not available|can'?t rate|never heard of)/i;

/** What interviewers were told not to read out, and what people said unasked: no level of a scale. */
const VOLUNTEERED = /\((vol\.?|do not read|spontaneous)\)$/i;

/** What stands in the middle of a scale: listed last, the options are in no order. */
const MIDDLE =
  /^(neither|(about|stayed|remains?|all) the same|has not changed|no (change|impact|influence|effect|difference)\.?$|not much difference)/i;

/** Beginnings of options that name a degree. */
const DEGREE = new RegExp(
  `^(?:${[
    "very|somewhat|rather|fairly|quite|mostly|completely|strongly|slightly|moderately|extremely|definitely|probably",
    "a lot|a great deal|great deal|some|a little|only a little|little|fair amount|a fair amount|nothing|none|no|not",
    "never|rarely|sometimes|often|always|usually|several times|once a|less than once|most|few|all|many",
    "major|moderate|minor|small|big|top|important|average|above|below|the best|the worst|one of the most",
    "agree|disagree|approve|disapprove|favor|favorable|unfavorable|oppose|support|neither|neutral|hard to say",
    "much|more|less|better|worse|the same|about the same|remain|stayed|has not changed|improve|worsen",
    "a great|great|inactive|active|don't belong|have done|have not done|might do|would never",
    "good|bad|satisfied|dissatisfied|trust|do not trust|increased|decreased|stronger|weaker|close|too",
  ].join("|")})\\b`,
  "i",
);

export function isNonResponse(option: string): boolean {
  return NON_RESPONSE.test(option.trim());
}

/**
 * Whether options, in their order, are levels of one scale. Two options always are; more are where none was volunteered,
 * the last one is no middle ("About the same"), and each is a number, begins with a word of degree, or is an end of a list of three
 * numbers or more.
 */
export function isScale(options: readonly string[]): boolean {
  if (options.length === 2) return true;
  if (options.some((option) => VOLUNTEERED.test(option.trim())) || MIDDLE.test(options.at(-1)!.trim())) return false;
  const numbers = options.filter(isNumber).length;
  return options.every(
    (option, i) =>
      isNumber(option) ||
      DEGREE.test(option.trim()) ||
      (numbers >= 3 && (i === 0 || i === options.length - 1) && numbers >= options.length - 2),
  );
}

/**
 * Order of options in which numbers stand in theirs: as they are where their numbers already rise or fall; otherwise the
 * first text, the numbers rising, then the other texts.
 * @returns Positions in `options`.
 */
export function scaleOrder(options: readonly string[]): number[] {
  const positions = options.map((_, i) => i);
  const numbers = positions.filter((i) => isNumber(options[i]!));
  const value = (i: number): number => Number(options[i]);
  const contiguous = numbers.every((at, i) => i === 0 || at === numbers[i - 1]! + 1);
  const sign = numbers.length < 2 ? 0 : Math.sign(value(numbers[1]!) - value(numbers[0]!));
  const monotone = numbers.every((at, i) => i === 0 || Math.sign(value(at) - value(numbers[i - 1]!)) === sign);
  if (numbers.length < 3 || (contiguous && monotone)) return positions;
  const texts = positions.filter((i) => !isNumber(options[i]!));
  return [...texts.slice(0, 1), ...numbers.sort((a, b) => value(a) - value(b)), ...texts.slice(1)];
}

function isNumber(option: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(option.trim());
}
