import { expect, test } from "vitest";
import { CumaError } from "../../src/core/util/index.ts";
import { withinTime } from "../../src/core/util/timeLimit.ts";

test("gives what the work gives, and its errors", () => {
  expect(withinTime(5, "adding", () => 1 + 1)).toBe(2);
  expect(withinTime(5, "outer", () => withinTime(5, "inner", () => "nested"))).toBe("nested");
  expect(() => withinTime(5, "failing", () => JSON.parse("{") as unknown)).toThrow(SyntaxError);
});

test("ends loops and regular expressions that take too long, and goes on after them", () => {
  const loop = (): never => {
    for (;;);
  };
  expect(() => withinTime(0.05, "the loop", loop)).toThrow(new CumaError("the loop takes more than 0.05 s"));
  expect(() => withinTime(0.05, "the pattern", () => /^(a+)+$/.test(`${"a".repeat(60)}b`))).toThrow(
    "the pattern takes more than 0.05 s",
  );
  expect(withinTime(5, "adding", () => 1 + 1)).toBe(2);
});
