import { expect, test } from "vitest";
import { z } from "zod";
import { CumaError, describeIssue, messageOf } from "../../src/core/util/index.ts";

test("messages of ours are left as they are, those of others are bounded and on one line", () => {
  const ours = `one\n${"two".repeat(1000)}`;
  expect(messageOf(new CumaError(ours))).toBe(ours);
  expect(messageOf(new Error("one\n  two \x1b[2J"))).toBe("one two \\u{1b}[2J");
  expect(messageOf(new Error("x".repeat(1e6)))).toHaveLength(303);
  expect(messageOf("thrown")).toBe('"thrown"');
  expect(messageOf(undefined)).toBe("nothing");
  expect(messageOf(Object.create(null))).toBe("{}");
});

/** The first issue of a schema with a value, in words. */
function issueOf(schema: z.ZodType, value: unknown): string {
  return describeIssue(schema.safeParse(value).error!.issues[0]!, value);
}

test("issues name the field, what was expected and what was found", () => {
  const schema = z.strictObject({ train: z.strictObject({ lr: z.number() }), tags: z.record(z.string(), z.int()) });
  expect(issueOf(schema, { train: { lr: "fast" }, tags: {} })).toBe('"train.lr": expected number; found "fast"');
  expect(issueOf(schema, { train: {}, tags: {} })).toBe('"train.lr": expected number; found nothing');
  expect(issueOf(schema, null)).toBe("expected object; found null");
});

test("issues of foreign keys and values are short", () => {
  const schema = z.strictObject({ tags: z.record(z.string(), z.int()) });
  const key = "\x1b]0;x\x07".repeat(1e5);
  for (const value of [{ tags: {}, [key]: 1 }, { tags: { [key]: "x" } }, { tags: key }]) {
    expect(issueOf(schema, value)).toMatch(/^[\x20-\x7e]{20,1000}$/);
  }
});
