/** Something that may differ between the results of two commits. */
interface MayDiffer {
  readonly name: string;
  readonly reason: string;
  /** What of a text it is, wherever it is written: in JSON, in metadata, in a report. */
  readonly pattern: RegExp;
  /** What stands in its place while texts are compared. */
  readonly mask: string;
}

/** All that may differ. Everything else is a difference. */
export const mayDiffer: readonly MayDiffer[] = [
  {
    name: "commit",
    reason: "results name the commit that made them",
    pattern: /(?<="gitHash":\s*)(?:"[0-9a-f]{40}"|null)|(?<=<dt><bdi>git hash<\/bdi><\/dt>\s*<dd><bdi>)[0-9a-f]{40}/g,
    mask: '"commit"',
  },
  {
    name: "version",
    reason: "results name the version of the package that made them",
    pattern:
      /(?<="(?:cuma|version)":\s*")\d+\.\d+\.\d+|(?<=<dt><bdi>(?:(?:version\.)?cuma|predictions\.version)<\/bdi><\/dt>\s*<dd><bdi>)\d+\.\d+\.\d+/g,
    mask: "version",
  },
  {
    name: "rate",
    reason: "the time that a step took is another each time",
    pattern: /(?<="tokensPerSecond":\s*)[\d.e+-]+/g,
    mask: '"rate"',
  },
];

/** A text without what may differ. */
export function masked(text: string): string {
  return mayDiffer.reduce((rest, { pattern, mask }) => rest.replace(pattern, mask), text);
}
