import * as z from "zod";
import { CumaError, show } from "../../util/index.ts";
import { nameOf, offsetsOnly, readSteps, stepType, type Part, type StepTypes } from "./steps.ts";

/** What is put around the ids of every text. */
export interface Frame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Frame = { before: [], after: [] };
/** Real templates have three pieces. */
const MAX_PIECES = 64;

const id = z.int().min(0);
const withId = z.tuple([z.string(), id]);
const typeId = z.int().optional();
const pieces = z
  .array(
    z.union([
      z.strictObject({ SpecialToken: z.strictObject({ id: z.string(), type_id: typeId }) }),
      z.strictObject({ Sequence: z.strictObject({ id: z.enum(["A", "B"]), type_id: typeId }) }),
    ]),
  )
  .max(MAX_PIECES);
const around = ({ cls, sep }: { cls: [string, number]; sep: [string, number] }): Frame => ({
  before: [cls[1]],
  after: [sep[1]],
});

export const POST_PROCESSORS: StepTypes<Frame> = {
  BertProcessing: stepType({ cls: withId, sep: withId }, around),
  ByteLevel: stepType(
    { add_prefix_space: offsetsOnly, trim_offsets: offsetsOnly, use_regex: offsetsOnly },
    () => NOTHING,
  ),
  RobertaProcessing: stepType(
    { cls: withId, sep: withId, trim_offsets: offsetsOnly, add_prefix_space: offsetsOnly },
    around,
  ),
  TemplateProcessing: stepType(
    {
      single: pieces,
      pair: z.unknown(),
      special_tokens: z.record(
        z.string(),
        z.strictObject({ id: z.string(), ids: z.array(id).max(MAX_PIECES), tokens: z.array(z.string()) }),
      ),
    },
    ({ single, special_tokens: tokens }, part) => {
      const before: number[] = [];
      const after: number[] = [];
      let texts = 0;
      for (const piece of single) {
        if ("Sequence" in piece) {
          texts += piece.Sequence.id === "A" ? 1 : 2;
          continue;
        }
        const { id: name } = piece.SpecialToken;
        if (!Object.hasOwn(tokens, name)) {
          throw new CumaError(`${nameOf(part)}: "single" has ${show(name)}, which is not in "special_tokens"`);
        }
        (texts === 0 ? before : after).push(...tokens[name]!.ids);
      }
      if (texts !== 1) {
        throw new CumaError(`${nameOf(part)}: "single" is ${show(single)}; expected the sequence "A" in it, once`);
      }
      return { before, after };
    },
  ),
};

/**
 * The section "post_processor", for one text at a time.
 * @throws CumaError naming a type or an option that is not supported.
 */
export function readPostProcessors(section: unknown, part: Part): Frame {
  const frames = readSteps(section, part, POST_PROCESSORS, "processors").filter((frame) => frame !== NOTHING);
  if (frames.length > 1) {
    throw new CumaError(
      `${nameOf(part)} has ${frames.length} steps that put tokens around a text; expected one at most`,
    );
  }
  return frames[0] ?? NOTHING;
}
