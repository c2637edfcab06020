/** A signal that SIGINT or SIGTERM sets off once; the second one ends the process at once. */
export function interruptSignal(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      onFirst();
      controller.abort();
    });
  }
  return controller.signal;
}
