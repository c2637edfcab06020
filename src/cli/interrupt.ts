/** Ctrl-C, `kill`, a terminal that closes, Ctrl-\. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * Signals that end a command. While there is something to be saved, the first one only sets off `signal`: the work at
 * hand ends and is saved. The second one, and any at another time, has the system's default action: the process ends at
 * once, whatever it is doing.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly handle: () => void;
  private handling = false;

  /** @param onSignal Called when `signal` is set off. */
  constructor(onSignal: () => void) {
    this.handle = () => {
      this.saving(false);
      onSignal();
      this.controller.abort();
    };
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Says whether there is something to be saved from now on. */
  saving(yes: boolean): void {
    if (yes === this.handling || (yes && this.signal.aborted)) return;
    this.handling = yes;
    for (const name of SIGNALS) {
      if (yes) process.on(name, this.handle);
      else process.off(name, this.handle);
    }
  }
}
