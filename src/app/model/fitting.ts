import { select, type Profiled, type Source } from "../../../datasets/index.ts";
import { type DecoderConfig } from "../../core/decoder/index.ts";
import type { Profile } from "../../core/text/index.ts";
import { CumaError } from "../../core/util/index.ts";
import type { Prompts } from "./prompts.ts";

/** Only prompts whose characters might be more tokens than the base takes are read. */
const TOKENS_PER_CHARACTER = 4;
const TEMPLATE_CHARACTERS = 250;

/**
 * The examples whose prompts the base takes in full. The others are counted in `notes`, and `onProgress` is told.
 * @param told The part of a profile that the prompt is made of.
 * @throws CumaError where no example is left, or one's prompt cannot be made.
 */
export function fitting<E extends Profiled>(
  source: Source<E>,
  prompts: Prompts<E>,
  config: DecoderConfig,
  told: (profile: Profile) => Profile,
  onProgress: (message: string) => void,
): Source<E> {
  const most = Math.min(config.maxPositions, config.slidingWindow ?? Infinity);
  const known = new Map<string, boolean>();
  const fits = (index: number): boolean => {
    const example = source.at(index);
    const prompt = prompts.of({ ...example, profile: told(example.profile) });
    const texts = [...prompt.messages.map(({ content }) => content), ...prompt.answers];
    const characters = texts.reduce((sum, text) => sum + text.length, TEMPLATE_CHARACTERS);
    if (characters * TOKENS_PER_CHARACTER <= most) return true;
    const key = JSON.stringify(texts);
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = prompts.length(prompt) <= most));
    return found;
  };
  const kept: number[] = [];
  for (let i = 0; i < source.length; i++) if (fits(i)) kept.push(i);
  const left = source.length - kept.length;
  if (left === 0) return source;
  const long = `of more than the ${most} tokens that the base takes`;
  if (kept.length === 0) throw new CumaError(`nothing is left: all ${left} examples are ${long}`);
  onProgress(`left out: ${left} of ${source.length} examples ${long}`);
  return { ...select(source, kept), notes: { ...source.notes, [`examples ${long}`]: left } };
}
