import { expect, test } from "vitest";
import { draws, options, positiveInteger, wholeNumber } from "../../src/cli/options.ts";

const threads = (text: string): unknown => Reflect.apply(options.threads().parseArg!, undefined, [text]);

test("counts are whole numbers in digits, within what can be", () => {
  expect([wholeNumber("0"), wholeNumber("007"), positiveInteger("12"), draws("1000000")]).toEqual([0, 7, 12, 1e6]);
  expect(threads("512")).toBe(512);
  for (const text of [
    "1e3",
    "0x10",
    " 5 ",
    "５",
    "1.5",
    "-1",
    "+1",
    "1_000",
    "1,000",
    "",
    "NaN",
    "1e400",
    "9007199254740993",
  ]) {
    for (const parse of [positiveInteger, wholeNumber, draws]) {
      expect(() => parse(text), text).toThrow(/^Expected a whole number from [01] to \d+\.$/);
    }
  }
  expect(() => positiveInteger("0")).toThrow("from 1");
  expect(() => draws("1000001")).toThrow("to 1000000");
  expect(() => threads("10000")).toThrow("from 1 to 512");
});
