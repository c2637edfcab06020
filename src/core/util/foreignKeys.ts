import { CumaError, messageOf } from "./errors.ts";
import { show } from "./show.ts";

/**
 * What is made of the keys of a JSON object that other software writes, so that none of them changes a number unseen. Three
 * kinds are known (a key in `neutral` need not be in another); every other key is refused, unless its value says that there
 * is nothing: null, false, or empty.
 */
export interface ForeignKeys {
  /** Honoured, or checked, where the object is read. */
  readonly read: readonly string[];
  /** Change no number that is computed here, whatever their value; by the reason why. */
  readonly harmless: Readonly<Record<string, readonly string[]>>;
  /** Not supported, with the values under which that makes no difference. Nothing at all (null, or empty) is one of them always. */
  readonly neutral: Readonly<Record<string, readonly (string | number | boolean)[]>>;
}

/** @throws CumaError naming the first key that may change a number and is not supported, and its value. */
export function checkForeignKeys(json: object, { read, harmless, neutral }: ForeignKeys): void {
  const known = new Set([...read, ...Object.values(harmless).flat()]);
  for (const [key, value] of Object.entries(json) as [string, unknown][]) {
    if (isNothing(value)) continue;
    const allowed: readonly unknown[] | undefined = Object.hasOwn(neutral, key) ? neutral[key] : undefined;
    if (allowed === undefined) {
      if (known.has(key) || value === false) continue;
      throw new CumaError(
        `${show(key)}: ${show(value)} is not known here and may change results; expected no such key (take it out if it changes none)`,
      );
    }
    if (!allowed.includes(value)) {
      const expected = allowed.length === 0 ? "none" : allowed.map((item) => show(item)).join(" or ");
      throw new CumaError(`${show(key)}: ${show(value)} is not supported; expected ${expected}`);
    }
  }
}

/** `checkForeignKeys` for what a file holds. @throws CumaError naming the file, too. */
export function checkFileKeys(file: string, json: object, keys: ForeignKeys): void {
  try {
    checkForeignKeys(json, keys);
  } catch (error) {
    throw new CumaError(`${file}: ${messageOf(error)}`, { cause: error });
  }
}

function isNothing(value: unknown): boolean {
  if (value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
