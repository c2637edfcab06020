export { normaliseLogLikelihoods } from "./distribution.ts";
export { routeTokens, type Routing } from "./gates.ts";
export { logLikelihoods, routedLogLikelihoods, type LikelihoodGroup, type LikelihoodItem } from "./likelihood.ts";
export { vocabularyLogits } from "./logits.ts";
