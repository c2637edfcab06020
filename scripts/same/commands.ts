import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A command of `cuma`, and the file that takes what it prints. */
export interface Command {
  readonly printed: string;
  readonly args: readonly string[];
}

const RUN = "--bench planted --data data --seed 1 --threads 1";
const TRAIN = "--set train.lr=1e-3";

/** The folder of real models: as tests look for it. */
export function modelsFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return process.env["CUMA_MODELS"] ?? join(cache, "cuma-models");
}

/** All that is run with each build, in this order. @param models Folder of real models; without them that part is left out. */
export function commandsWith(models: string): Command[] {
  const runs = ["cuma", "lora", "full"].flatMap((method) => ["hard", "soft"].map((labels) => ({ method, labels })));
  const real = realCommands(models);
  const evaluated = [
    ...runs.map(({ method, labels }) => `${method}-${labels}`),
    ...(real.length > 0 ? ["smollm2"] : []),
  ];
  return [
    command("planted.txt", "data planted --out data --participants 120 --questions 8 --seed 3"),
    ...runs.flatMap(({ method, labels }) => demoCommands(method, labels)),
    ...real,
    ...evaluated.flatMap(resultCommands),
    command(
      "route.json",
      `route --base demo --adapter cuma-hard ${RUN} --profiles cuma-hard/test/predictions.parquet --limit 2 --permutations 50 --json`,
    ),
  ];
}

function demoCommands(method: string, labels: string): Command[] {
  const name = `${method}-${labels}`;
  return [
    command(
      `${name}.train.txt`,
      `train --base demo --adapter ${method} --out ${name} ${RUN} ${TRAIN} --set train.maxSteps=12 --set train.labels=${labels}`,
    ),
    command(
      `${name}.eval.txt`,
      `eval --base demo --adapter ${name} --out ${name}/test ${RUN} --limit 300 --resamples 50 --permutations 50`,
    ),
  ];
}

/** A real base and a real encoder; none where they are not there. */
function realCommands(models: string): Command[] {
  const [base, encoder] = ["smollm2-135m-instruct", "all-minilm-l6-v2"].map((name) => join(models, name));
  if (![base, encoder].every((folder) => existsSync(join(folder!, "config.json")))) return [];
  const small = "--set train.maxSteps=3 --set train.batchSize=4 --set adapter.numExperts=2";
  return [
    command(
      "smollm2.train.txt",
      `train --adapter cuma --out smollm2 ${RUN} ${TRAIN} ${small}`,
      ...["--base", base!, "--set", `encoder.model=${encoder!}`],
    ),
    command(
      "smollm2.eval.txt",
      `eval --adapter smollm2 --out smollm2/test ${RUN} --limit 40 --resamples 20 --permutations 20`,
      ...["--base", base!],
    ),
  ];
}

function resultCommands(name: string): Command[] {
  const predictions = `${name}/test/predictions.parquet`;
  return [
    command(
      `${name}.score.json`,
      `score ${predictions} --by country --by country,religion --resamples 100 --permutations 100 --json`,
    ),
    command(`${name}.html.txt`, `report ${name}/test --out ${name}.html`),
    command(`${name}.report.md`, `report ${name}/test --format md`),
  ];
}

/** @param more Arguments that may hold spaces. */
function command(printed: string, line: string, ...more: string[]): Command {
  return { printed, args: [...line.split(" "), ...more] };
}
