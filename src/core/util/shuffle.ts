/**
 * Fisher-Yates from the last item down, in place, as CPython's `random.shuffle` goes.
 * @param below Draws a whole number in [0, n).
 */
export function shuffleBy<T extends { length: number; [index: number]: unknown }>(
  items: T,
  below: (n: number) => number,
): T {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const swap = items[i];
    items[i] = items[j];
    items[j] = swap;
  }
  return items;
}
