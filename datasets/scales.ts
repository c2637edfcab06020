/** Answers that are none, and the total of a table: they are dropped, and the others renormalised. */
const NON_RESPONSE =
  /^(dk\b|don'?t\b.{0,3}(know|-9)|no answer|refused|missing\b|other missing\b|inap\b|not available|can'?t rate|never heard of|total\s+n\s*=)/i;

/** What stands in the middle of a scale. */
const MIDDLE =
  /^(neither|neutral|average|fair$|hard to say|don'?t mind|((about|stayed|remains?|all) )?the same|about (as|right)|as \w+ as|has not changed|not much difference|no (change|impact|influence|effect|difference)\.?( \(.*\))?$)/i;

/** Words for one side of a scale, and for the other. */
const FOR =
  "agree|approve|favou?r|favou?rable|support|trust|good|better|satisfied|positive|likely|important|above|more|closer?|improved?|increased?|active|done";
const AGAINST =
  "disagree|disapprove|oppose|unfavou?rable|distrust|bad|worse|worst|dissatisfied|negative|unlikely|unimportant|poor|below|less|worsen(?:ed)?|decreased?|difficult|fail|small|little";

/** How often, most often first. */
const FREQUENCIES = [
  ...["several times a day", "once a day|daily", "(?:several times|more than once) a week", "once a week|weekly"],
  ...["several times a month", "once a month|monthly", "less than (?:once a month|monthly)", "once a year|yearly"],
  "less often",
];

/** Words by the degree that they name, from 0 (none) to 3; -2 is the other side. The first that fits counts. */
const DEGREES: readonly (readonly [degree: number, words: string])[] = [
  ...FREQUENCIES.map((words, i) => [3 - (3 * i) / FREQUENCIES.length, words] as const),
  [1, "not (?:\\w+ )?(?:too|very|much|so|often|frequently)|not done, but might|very few|very little|almost never"],
  [1, "few|little|small|minor|slightly|rarely|seldom|hardly|lower|might|inactive"],
  [0, "not|no|none|nothing|never|don'?t"],
  [3, "very|completely|totally|extremely|strong(?:ly)?|definitely|almost always|always|all|most|many|much|lot|great"],
  [3, "major|top|best|often|usually|frequently|too|done in the past year"],
  [2, "somewhat|rather|fairly|fair amount|quite|mostly|moderate(?:ly)?|partly|probably|some|sometimes|occasionally"],
  [2, FOR],
  [-2, AGAINST],
];

const FILLERS = "(?:(?:an?|the|just|only|there (?:is|are)|have|would|should|do|one of the) )*";
const BEGINNINGS = DEGREES.map(
  ([degree, words]) =>
    [degree, new RegExp(`^${FILLERS}((?:(?:${FOR}|${AGAINST}) )?)${FILLERS}(${words})\\b(.*)`, "i")] as const,
);
const OPPOSITE = new RegExp(`\\b(?:not|${AGAINST})\\b`, "i");

export function isNonResponse(option: string): boolean {
  return NON_RESPONSE.test(option.trim());
}

/**
 * Whether options, in their order, are levels of one scale. Two options always are. Three or more are where all of them are
 * numbers, but for texts at the ends; or where each begins with a word of degree ("very", "some", "not too", "none", "bad") and the
 * degrees run one way: from much to none, or from one side, over the middle if there is one, to the other. Only one option may name
 * the degree of another one, in another word. So a list is no scale that turns back, with the middle last ("Better | Worse |
 * About the same"), and none that is made of two scales.
 */
export function isScale(options: readonly string[]): boolean {
  if (options.length === 2) return true;
  const last = options.length - 1;
  if (options.filter(isNumber).length >= 3) {
    return options.every((option, i) => isNumber(option) || i === 0 || i === last);
  }
  const levels = options.flatMap((option) => levelOf(option.trim()) ?? []);
  if (levels.length < options.length || new Set(levels.map(({ word }) => word)).size < options.length) return false;
  if (levels[0]!.word === "middle" || levels[last]!.word === "middle") return false;
  const degrees = levels.map(({ degree }) => degree);
  const way = Math.sign(degrees[last]! - degrees[0]!);
  const steps = degrees.slice(1).map((degree, i) => (degree - degrees[i]!) * way);
  return steps.every((step) => step >= 0) && steps.filter((step) => step === 0).length <= 1;
}

/** The degree that an option begins with, negative on the other side, and its words: "middle" for the middle. */
function levelOf(option: string): { readonly degree: number; readonly word: string } | undefined {
  if (MIDDLE.test(option)) return { degree: 0, word: "middle" };
  for (const [size, pattern] of BEGINNINGS) {
    const [, before, word, after] = pattern.exec(option) ?? [];
    if (word === undefined) continue;
    const degree = OPPOSITE.test(`${before!}${after!}`) ? -size : size;
    return { degree, word: `${degree} ${word.toLowerCase()}` };
  }
  return undefined;
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
