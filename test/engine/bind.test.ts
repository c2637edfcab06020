import { expect, test } from "vitest";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { Graph, intTensor, program, tensor } from "../../src/core/graph/index.ts";
import { add, gather } from "../../src/core/ops/index.ts";

/** table[index] + shift */
function lookup() {
  const graph = new Graph();
  const rows = gather(graph.input("table", "float", [3, 2]), graph.input("index", "int", ["N"]));
  return program({ y: add(rows, graph.input("shift", "float", [2])) });
}

const table = tensor([3, 2], [0, 1, 2, 3, 4, 5]);
const shift = tensor([2], [10, 20]);
const index = intTensor([2], [2, 0]);

test.each([onnxRuntimeEngine({ threads: 1 }), referenceEngine])("$name keeps what is bound", async (engine) => {
  const executable = await engine.compile(lookup());
  const values = async (run: typeof executable, feeds: Parameters<typeof executable.run>[0]) =>
    Array.from((await run.run(feeds))["y"]!.data);
  const bound = executable.bind({ table, "of no input": shift });
  expect(await values(bound, { index, shift })).toEqual([14, 25, 10, 21]);
  expect(await values(bound.bind({ shift }), { index })).toEqual([14, 25, 10, 21]);
  await expect(bound.run({ index })).rejects.toThrow('feed "shift" is missing; expected float [2]');
  await bound.dispose();
  expect(await values(executable, { table, index, shift })).toEqual([14, 25, 10, 21]);
  await executable.dispose();
});
