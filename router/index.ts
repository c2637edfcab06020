export { gatingNames, gatings, type GatingName } from "./gating.ts";
export { router, routerParameters, type RouterConfig } from "./router.ts";
// The analysis itself is imported from its file, so that loading an adapter does not load it.
export type { Topology } from "./topology/topology.ts";
