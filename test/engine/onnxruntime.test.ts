import { expect, test } from "vitest";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";

test.each([0, 1.5, 10_000])("refuses %d threads before it starts any", (threads) => {
  expect(() => onnxRuntimeEngine({ threads })).toThrow(
    `threads: expected a whole number from 1 to 512, found ${threads}`,
  );
});
