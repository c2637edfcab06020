import { expect, test } from "vitest";
import { groupNotes } from "../../eval/predictions/groupNotes.ts";
import { tableOf } from "./support.ts";

const of = (...countries: readonly string[]): string[] =>
  groupNotes(tableOf(countries.map((country) => ({ profile: { country } }))), ["country"]);

test("says which values differ only in case or white space", () => {
  expect(of("Japan", "Kenya", "Japan", "japan ", "Kenya")).toEqual([
    'country: "Japan" and "japan " differ only in case or white space, and are different groups',
  ]);
  expect(of("a", "a", "A", "A", "B", "B", "b", "b")).toEqual([
    'country: "a" and "A" (and 1 more pair) differ only in case or white space, and are different groups',
  ]);
});

test("says where most groups have one row", () => {
  expect(of("a", "b", "c", "c")).toEqual(["country: 2 groups of 3 have one row"]);
  expect(of("a", "b", "b", "c", "c")).toEqual([]);
});

test("has nothing to say of groups that are told apart and have rows", () => {
  expect(of("Japan", "Japan", "Kenya", "Kenya")).toEqual([]);
});
