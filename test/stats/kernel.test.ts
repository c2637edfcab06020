import { expect, test } from "vitest";
import { Kernel } from "../../src/core/stats/kernel.ts";
import { CumaError } from "../../src/index.ts";

test("sums that no memory can hold are refused with what to leave out", () => {
  const make = (): Kernel => new Kernel("permutations", { floats: 1e9, ints: 0 });
  expect(make).toThrow(CumaError);
  expect(make).toThrow(
    "permutations: would take 8.00 GB of memory, and at most 4.29 GB can be used; expected 0 permutations, or fewer rows, options or groups",
  );
});
