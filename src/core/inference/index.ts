export { normaliseLogLikelihoods } from "./distribution.ts";
export { logLikelihoods, observedLogLikelihoods, type LikelihoodGroup, type LikelihoodItem } from "./likelihood.ts";
export { vocabularyLogits } from "./logits.ts";
export { observeTokens } from "./observe.ts";
