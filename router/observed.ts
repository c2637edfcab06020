import type { Feeds, HostTensor, Value } from "../src/core/graph/index.ts";
import type { NamedLoss, Observed } from "../src/core/decoder/index.ts";
import type { RouterOutput } from "./router.ts";

/** Name of the load-balancing loss, whose factor is the run file's `train.loadBalance`. */
export const LOAD_BALANCE = "loadBalance";

/** What the routers of a layer let be seen, by their names. */
export function observeRouters(routers: ReadonlyMap<string, RouterOutput>): {
  losses: NamedLoss[];
  observed: Record<string, Value>;
} {
  return {
    losses: [...routers.values()].map(({ balance }) => ({ name: LOAD_BALANCE, value: balance })),
    observed: Object.fromEntries(
      [...routers].flatMap(([name, { gates, load, rowGates, gateMax }]) => [
        [`${name}.gates`, gates],
        [`${name}.load`, load],
        [`${name}.rowGates`, rowGates],
        [`${name}.gateMax`, gateMax],
      ]),
    ),
  };
}

/** Gates [B, T, E] by router ("model.layers.0.self_attn.router"), out of what a forward pass observed. */
export function observedGates(observed: Feeds): Record<string, HostTensor> {
  const end = ".gates";
  return Object.fromEntries(
    Object.entries(observed).flatMap(([name, gates]) =>
      name.endsWith(end) ? [[name.slice(0, -end.length), gates]] : [],
    ),
  );
}

/** What the router of one layer did in a training step. E experts. */
export interface RouterStep {
  /** Share of the (token, slot) pairs sent to each expert [E]. */
  readonly load: readonly number[];
  /** Mean gates of each row, each [E]. */
  readonly rowGates: readonly (readonly number[])[];
  readonly gateMax: number;
}

/** The routers of a training step, in the order of the layers. */
export function observedRouters({ rows, batch }: Observed): RouterStep[] {
  const end = ".load";
  const names = Object.keys(batch).flatMap((name) => (name.endsWith(end) ? [name.slice(0, -end.length)] : []));
  return names.map((name) => {
    const load = Array.from(batch[name + end]!.data);
    const { shape, data } = rows[`${name}.rowGates`]!;
    const [B, E] = shape as [number, number];
    return {
      load,
      rowGates: Array.from({ length: B }, (_, b) => Array.from(data.subarray(b * E, (b + 1) * E))),
      gateMax: batch[`${name}.gateMax`]!.data[0]!,
    };
  });
}
