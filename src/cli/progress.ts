import { formatSeconds } from "../util/index.ts";

/** Seconds between lines where standard error is not a terminal. */
const LINE_SECONDS = 5;
const REDRAW_SECONDS = 0.1;

/** Progress of long work on standard error: one line that is drawn again on a terminal, plain lines elsewhere. */
export class Progress {
  private readonly what: string;
  private readonly unit: string;
  private readonly first: number;
  private readonly begin = performance.now();
  private shown = -Infinity;

  /**
   * @param unit What is counted, such as "steps".
   * @param first How many were done before.
   */
  constructor(what: string, unit: string, first = 0) {
    this.what = what;
    this.unit = unit;
    this.first = first;
  }

  update(done: number, total: number, details = ""): void {
    const now = performance.now();
    const last = done >= total;
    // Before anything is done there is no rate.
    if (!last && done === this.first) return;
    if (!last && (now - this.shown) / 1000 < (process.stderr.isTTY ? REDRAW_SECONDS : LINE_SECONDS)) return;
    this.shown = now;
    const rate = (done - this.first) / ((now - this.begin) / 1000);
    const left = last ? "done" : `${formatSeconds((total - done) / rate)} left`;
    const text = `${this.what} ${done.toLocaleString("en-US")}/${total.toLocaleString("en-US")} ${this.unit}, ${formatRate(rate)}/s, ${left}${details && `, ${details}`}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}${last ? "\n" : ""}`);
    else process.stderr.write(`${text}\n`);
  }
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(2);
}

/** One line about what is going on. */
export function say(message: string): void {
  process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[K" : ""}${message}\n`);
}
