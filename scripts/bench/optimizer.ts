/** Seconds that clipping and AdamW take over the parameters of SmolLM2-135M's CuMA adapter. Prints one JSON line. */
import { AdamW, adamWDefaults, clipByNorm, ParameterStore } from "../../src/core/train/index.ts";
import { cumaAdapter } from "./smolLM2.ts";

const parameters = new ParameterStore(cumaAdapter(8).parameters, "float32");
parameters.initialise(0);
const gradients = new ParameterStore(parameters.specs, "float32").flat.fill(0.01);
const optimizer = new AdamW(parameters, adamWDefaults);
const times: number[] = [];
for (let step = 1; step <= 12; step++) {
  const begin = performance.now();
  clipByNorm(gradients, 1);
  optimizer.step(gradients, 2e-5, step);
  times.push((performance.now() - begin) / 1000);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ secondsPerStep: times[times.length >> 1], parameters: parameters.flat.length }));
