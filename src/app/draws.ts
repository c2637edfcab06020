/** Resamples behind each interval where no number is given. */
export const RESAMPLES = 1000;
/** Permutations behind each `dispersionP` where no number is given. */
export const PERMUTATIONS = 1000;
