import { expect, test } from "vitest";
import { largest, smallest } from "../../src/core/util/index.ts";

test("of more numbers than a call takes arguments", () => {
  const numbers = Array.from({ length: 300_000 }, (_, i) => i);
  expect([smallest(numbers), largest(numbers)]).toEqual([0, 299_999]);
});

test("of none, as Math.min and Math.max have it", () => {
  expect([smallest([]), largest([])]).toEqual([Infinity, -Infinity]);
});
