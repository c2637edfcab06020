import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLiteral } from "../../src/core/tables/literal.ts";
import { isNonResponse, isScale, scaleOrder } from "../../datasets/scales.ts";

describe("scales", () => {
  test.each([
    ["Very good|Somewhat good|Somewhat bad|Very bad", true],
    ["Never justifiable|2|3|4|5|6|7|8|9|Always justifiable", true],
    ["Private ownership should be increased|2|3|4|5|6|7|8|9|Government ownership should be increased", true],
    ["None of them|Few of them|Most of them|All of them", true],
    ["Yes|No", true],
    ["Tea|Coffee", true],
    ["China|United States|Japan", false],
    ["Better|Worse|About the same", false],
    ["Better|About the same|Worse", true],
    ["Good|Bad|Neither (VOL)", false],
    ["Mostly positive|Mostly negative|No impact", false],
    ["Major threat|Minor threat|Not a threat", true],
    ["Great deal|Fair amount|Not too much|No influence at all", true],
    ["Good thing|Don't mind|Bad thing", true],
    ["A lot of changes|Some changes|Only a few changes|No changes at all", true],
    ["A lot|Some|Very little|None (VOL)", true],
    ["Most|Many|Just some|Very few", true],
    ["Top priority|Important but lower priority|Not too important|Should not be done", true],
    ["One of the most important priorities|A very important priority|A lower priority|Not a priority at all", true],
    ["Very strong conflicts|Strong conflicts|Not very strong conflicts|There are not conflicts", true],
    ["Have done in the past year|Have done in the more distant past|Have not done, but might do|Have not done", true],
    ["Several times a day|Once a day|Several times a week|Once a week|Less than once a month|Never", true],
    ["Rather bad|Quite bad|Neither good, nor bad|Quite good|Very good", true],
    ["Agree strongly|Agree|Disagree|Disagree strongly", true],
    ["Definitely should|Probably should|Probably should not|Definitely should not", true],
    ["Very large role|Fairly large role|Fairly small role|Very small role", true],
    ["Very likely|Somewhat likely|Somewhat unlikely|Very unlikely|Has already happened", false],
    ["Very concerned|Not too concerned|Not at all concerned|Climate change does not exist (Vol.)", false],
    ["Good|Bad|Good thing|Bad thing", false],
    ["A lot of confidence|Very favorable|Some confidence|Somewhat favorable|No confidence|Very unfavorable", false],
    ["Very big problem|A great deal|Moderately big problem|A fair amount|Not a problem|Not at all", false],
    ["Mostly good jobs|Mostly good schools|No jobs", false],
    ["More of a partner|More of an enemy|Neither", false],
    ["1|2|None of these|3", false],
  ])("%s: %s", (options, expected) => {
    expect(isScale(options.split("|"))).toBe(expected);
  });

  test("numbers that rise or fall stay; others are sorted between the texts", () => {
    const order = (text: string) => {
      const options = text.split("|");
      return scaleOrder(options).map((i) => options[i]);
    };
    expect(order("Satisfied|9|8|7|Dissatisfied")).toEqual(["Satisfied", "9", "8", "7", "Dissatisfied"]);
    expect(order("None|1|All|3|2")).toEqual(["None", "1", "2", "3", "All"]);
    expect(order("0|9|10|1|2")).toEqual(["0", "1", "2", "9", "10"]);
    expect(order("A|B|C")).toEqual(["A", "B", "C"]);
  });

  test.each(["DK/Refused", "Don't know", "No answer/refused", "Missing; Unknown", "Don't -9:-2", "Total          N="])(
    "%s is no answer",
    (o) => {
      expect(isNonResponse(o)).toBe(true);
    },
  );
  test.each(["Don't mind", "Don't belong", "No", "Not at all", "Other (VOL)", "Total agreement"])(
    "%s is an answer",
    (o) => {
      expect(isNonResponse(o)).toBe(false);
    },
  );
});

test("no list made of two scales is one", () => {
  const scales = [
    ["Very good", "Somewhat good", "Somewhat bad", "Very bad"],
    ["A lot", "Some", "Not too much", "None at all"],
    ["Strongly agree", "Agree", "Disagree", "Strongly disagree"],
    ["All of them", "Most of them", "Few of them", "None of them"],
    ["Always justified", "Often justified", "Sometimes justified", "Never justified"],
  ];
  for (const a of scales) {
    expect(isScale(a)).toBe(true);
    expect(isScale([...a].reverse())).toBe(true);
    for (const b of scales) {
      if (a === b) continue;
      expect(isScale([...a, ...b])).toBe(false);
      expect(isScale(a.flatMap((option, i) => [option, b[i]!]))).toBe(false);
    }
  }
});

describe("Python literals", () => {
  const repr = (value: unknown): string => {
    if (typeof value === "string")
      return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
    if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
    if (typeof value === "object" && value !== null) {
      return `{${Object.entries(value)
        .map(([key, of]) => `${repr(key)}: ${repr(of)}`)
        .join(", ")}}`;
    }
    if (value === null) return "None";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "number") return String(value);
    throw new TypeError(`no literal for ${typeof value}`);
  };

  test("reads back what repr writes", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("tree"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const expected = JSON.parse(JSON.stringify(value, (_, v: unknown) => (Object.is(v, -0) ? 0 : v))) as unknown;
        expect(parseLiteral(repr(value))).toEqual(expected);
      }),
    );
  });

  test.each([
    ["[1, 2", /expected "," or "]" at character/],
    ["'abc", /expected the end of a text/],
    ["[1] 2", /expected the end at character 5/],
    ["{1: 2}", /a text as key/],
    ["os.system('x')", /expected a value at character 1/],
    ["[".repeat(20), /at most 8 levels/],
  ])("refuses %s", (text, message) => {
    expect(() => parseLiteral(text)).toThrow(message);
  });

  test("__proto__ is a key like any other", () => {
    const found = parseLiteral("{'__proto__': [1]}") as Record<string, unknown>;
    expect(Object.keys(found)).toEqual(["__proto__"]);
  });
});
