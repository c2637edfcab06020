export { gatingNames, gatings, type GatingName, type TopExperts } from "./gating.ts";
export { routingMonitor } from "./monitor.ts";
export { LOAD_BALANCE, observedGates, observeRouters } from "./observed.ts";
export { hasRouters, router, routerParameters, type RouterConfig, type RouterOutput } from "./router.ts";
export { routingOf, type Routing } from "./routing.ts";
// The analysis itself is imported from its file, so that loading an adapter does not load it.
export type { Topology } from "./topology/topology.ts";
