import { isRecord } from "./record.ts";
import { show } from "./show.ts";

/**
 * In what two records of settings differ, key by key: "train.lr: 0.001 in the folder, 0.002 now". Keys that are undefined count
 * as absent.
 */
export function differences(before: unknown, now: unknown, path = ""): string[] {
  if (isRecord(before) && isRecord(now)) {
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
      differences(before[key], now[key], path === "" ? key : `${path}.${key}`),
    );
  }
  const [a, b] = [before, now].map((value) => (value === undefined ? undefined : JSON.stringify(value)));
  return a === b ? [] : [`${path}: ${show(before)} in the folder, ${show(now)} now`];
}
