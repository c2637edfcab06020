import type { SftExample, Target } from "./sft.ts";

/** An answer as tokens, and the share of an example's people who give it. */
export interface SharedAnswer {
  readonly tokens: readonly number[];
  readonly share: number;
}

/**
 * A prompt and its answers as what is trained: the cross-entropy between the shares and the likelihoods of the whole
 * answers, minus the sum over answers of share times log-likelihood. Answers that begin alike share these tokens; where
 * they part, the example is a tree, in which every token sees its ancestors only.
 * @param answers Their shares sum to 1. No two are equal, and each has a token.
 */
export function answerTree(
  prompt: readonly number[],
  answers: readonly SharedAnswer[],
): Pick<SftExample, "inputIds" | "parents" | "targets"> {
  const inputIds = [...prompt];
  const parents = prompt.map((_, i) => i - 1);
  const targets: Target[] = [];
  const grow = (position: number, members: readonly SharedAnswer[], depth: number): void => {
    const branches = new Map<number, SharedAnswer[]>();
    for (const member of members) {
      const token = member.tokens[depth]!;
      const branch = branches.get(token);
      if (branch) branch.push(member);
      else branches.set(token, [member]);
    }
    const probabilities = [...branches.values()].map(total);
    targets.push({ position, tokens: [...branches.keys()], probabilities, share: depth === 0 ? 1 : total(members) });
    for (const [token, branch] of branches) {
      const longer = branch.filter(({ tokens, share }) => tokens.length > depth + 1 && share > 0);
      if (longer.length === 0) continue;
      parents.push(position);
      grow(inputIds.push(token) - 1, longer, depth + 1);
    }
  };
  grow(prompt.length - 1, answers, 0);
  return { inputIds, parents, targets };
}

/** The answers that an example trains, tokens after the prompt; what nobody says only as far as it is told apart. */
export function treeAnswers({ inputIds, parents, targets }: SftExample): SharedAnswer[] {
  const follow = (position: number, before: readonly number[]): SharedAnswer[] => {
    const target = targets.find((one) => one.position === position)!;
    return target.tokens.flatMap((token, i) => {
      const tokens = [...before, token];
      const child = inputIds.findIndex((id, at) => id === token && parents[at] === position);
      return child < 0 ? [{ tokens, share: target.probabilities[i]! }] : follow(child, tokens);
    });
  };
  return follow(targets[0]!.position, []);
}

function total(answers: readonly SharedAnswer[]): number {
  return answers.reduce((sum, { share }) => sum + share, 0);
}
