import { formatSeconds } from "../core/util/text.ts";
import { drawLine, redraws } from "./terminal.ts";

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
    if (!last && (now - this.shown) / 1000 < (redraws() ? REDRAW_SECONDS : LINE_SECONDS)) return;
    this.shown = now;
    const rate = (done - this.first) / ((now - this.begin) / 1000);
    const left = last ? "done" : `${formatSeconds((total - done) / rate)} left`;
    const counts = `${done.toLocaleString("en-US")}/${total.toLocaleString("en-US")} ${this.unit}`;
    drawLine(`${this.what} ${counts}, ${formatRate(rate)}/s, ${left}${details && `, ${details}`}`, last);
  }
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(2);
}
