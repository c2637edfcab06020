export { gatingNames, gatings, type GatingName } from "./gating.ts";
export { router, routerParameters, type RouterConfig } from "./router.ts";
