/** What a page would do with the package; bundle.test.ts bundles it and runs it without Node.js. */
import { referenceEngine } from "../../src/core/engine/reference.ts";
import { Graph, program, tensor } from "../../src/core/graph/index.ts";
import { matmul, softmax } from "../../src/core/ops/index.ts";
import { makeChatTemplate, makeTokenizer, type ChatMessage, type TextFiles } from "../../src/core/text/index.ts";
import { CumaError, Rng } from "../../src/core/util/index.ts";

/** softmax(x w) of x = [1 2; 3 4] and w = [1 0; 0 -1]. */
export async function attention(): Promise<number[]> {
  const graph = new Graph();
  const x = graph.input("x", "float", ["N", 2]);
  const y = softmax(matmul(x, graph.input("w", "float", [2, 2])));
  const executable = await referenceEngine.compile(program({ y }));
  const results = await executable.run({ x: tensor([2, 2], [1, 2, 3, 4]), w: tensor([2, 2], [1, 0, 0, -1]) });
  return [...results["y"]!.data];
}

/** The texts of files by name, as a page has fetched them. */
type Fetched = Readonly<Record<string, string>>;

export function tokenise(fetched: Fetched, text: string): { ids: number[]; decoded: string } {
  const tokenizer = makeTokenizer(filesOf(fetched));
  const ids = tokenizer.encode(text, { addSpecialTokens: true });
  return { ids, decoded: tokenizer.decode(ids) };
}

export function render(fetched: Fetched, messages: readonly ChatMessage[]): string {
  return makeChatTemplate(filesOf(fetched), { specialTokens: { bos_token: "<s>" } }).prompt(messages);
}

export function draws(): number[] {
  const rng = new Rng(7, "dropout", 3);
  return [rng.uint32(), rng.uint32(), rng.normal()];
}

function filesOf(fetched: Fetched): TextFiles {
  return {
    has: (name) => name in fetched,
    path: (name) => name,
    text(name) {
      const text = fetched[name];
      if (text === undefined) throw new CumaError(`${name}: was not fetched`);
      return text;
    },
  };
}
