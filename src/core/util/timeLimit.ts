import { CumaError } from "./errors.ts";

type TimeLimit = <T>(seconds: number, what: string, work: () => T) => T;

/** Goes that work gets in which the process was kept waiting rather than busy: stopped, or starved by others. */
const MAX_GOES = 3;

/**
 * Runs synchronous work that a file of somebody else's decides on, such as a regular expression, and ends it where it
 * takes too long; V8 stops inside a regular expression too. Costs about 0.1 ms, and the work may run again from its
 * start, so it should only compute. A browser can end nothing but a whole worker: there the work has no limit here.
 * @param seconds The time that the work may take.
 * @param what Names the work, for the message: "config.json: the pattern \"...\"".
 * @throws CumaError where the work takes longer.
 */
export const withinTime: TimeLimit = limitOfNode() ?? ((_seconds, _what, work) => work());

/** By asking rather than by an import, which no browser could load. */
function limitOfNode(): TimeLimit | undefined {
  const { process } = globalThis as { readonly process?: Pick<NodeJS.Process, "cpuUsage"> & Partial<NodeJS.Process> };
  const vm = process?.getBuiltinModule?.("node:vm");
  if (!process || !vm) return undefined;
  const globals: { work: (() => unknown) | undefined } = { work: undefined };
  const context = vm.createContext(globals);
  const script = new vm.Script("work()");
  return <T>(seconds: number, what: string, work: () => T): T => {
    for (let go = 1; ; go++) {
      const before = process.cpuUsage();
      const outer = globals.work;
      try {
        globals.work = work;
        return script.runInContext(context, { timeout: seconds * 1000 }) as T;
      } catch (error) {
        if (!isTimeout(error)) throw error;
        const { user, system } = process.cpuUsage(before);
        const busy = (user + system) / 1e6 > seconds / 2;
        if (busy || go === MAX_GOES) throw new CumaError(`${what} takes more than ${seconds} s`, { cause: error });
      } finally {
        globals.work = outer;
      }
    }
  };
}

function isTimeout(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}
