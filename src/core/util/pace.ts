/** Milliseconds between two lines of progress that a person can follow. */
const PROGRESS_MS = 5000;

/** Says, each time it is asked, whether a further line of progress is due. */
export function progressPace(): () => boolean {
  let last = -Infinity;
  return () => {
    const now = Date.now();
    if (now - last < PROGRESS_MS) return false;
    last = now;
    return true;
  };
}
