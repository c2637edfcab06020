/** The most CPU threads that can be asked for: more than any machine has cores; the system gives out before it has started many more. */
export const MAX_THREADS = 512;

/** The largest of numbers, -Infinity of none; `Math.max` takes only as many as the stack has room for. */
export function largest(numbers: Iterable<number>): number {
  let found = -Infinity;
  for (const number of numbers) found = Math.max(found, number);
  return found;
}

/** The smallest of numbers, Infinity of none, as `largest`. */
export function smallest(numbers: Iterable<number>): number {
  let found = Infinity;
  for (const number of numbers) found = Math.min(found, number);
  return found;
}
