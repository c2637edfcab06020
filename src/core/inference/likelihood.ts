import type { Feeds } from "../graph/index.ts";
import { makeBatch, type TokenTree } from "../decoder/batch.ts";
import type { Decoder, KvCache } from "../decoder/forward.ts";
import { stackProfiles } from "./stackProfiles.ts";

/** A prompt and the texts that may follow it, as token ids. */
export interface LikelihoodItem {
  readonly prompt: readonly number[];
  /** Each has at least one token. */
  readonly continuations: readonly (readonly number[])[];
}

/** What one person is asked: its prompts may share the tokens that they have in common. */
export interface LikelihoodGroup {
  /** The adapter's vector of the person; undefined where it takes none. */
  readonly profile: Float32Array | undefined;
  readonly items: readonly LikelihoodItem[];
}

/**
 * Tokens of one row of a batch where prompts stand in it from their beginning, and where their common beginning stands
 * elsewhere; tokens of one batch. Longer rows waste attention, shorter ones repeat shared tokens.
 */
const ROW_TOKENS = 192;
const SUFFIX_ROW_TOKENS = 96;
const BATCH_TOKENS = 1024;
/** A common prefix shorter than this is not worth a pass of its own. */
const MIN_PREFIX = 16;

/** A token whose probability is wanted: it follows the token `node` of a row. */
interface Wanted {
  readonly node: number;
  readonly token: number;
  /** Where its log-probability is added. */
  readonly item: number;
  readonly continuation: number;
}

/** Prompts and continuations merged into one tree, in which every shared beginning stands once. */
class Trie implements TokenTree {
  readonly ids: number[] = [];
  readonly parents: number[] = [];
  readonly wanted: Wanted[] = [];
  private readonly children = new Map<number, Map<number, number>>();

  /** Number of tokens that a text would add. */
  missing(text: readonly number[]): number {
    let node = -1;
    for (const [i, id] of text.entries()) {
      const next = this.children.get(node)?.get(id);
      if (next === undefined) return text.length - i;
      node = next;
    }
    return 0;
  }

  /** Adds an item whose first `skip` prompt tokens stand elsewhere. */
  add({ prompt, continuations }: LikelihoodItem, index: number, skip: number): void {
    const end = this.insert(-1, prompt.slice(skip));
    for (const [c, continuation] of continuations.entries()) {
      let node = end;
      for (const [i, token] of continuation.entries()) {
        this.wanted.push({ node, token, item: index, continuation: c });
        if (i + 1 < continuation.length) node = this.insert(node, [token]);
      }
    }
  }

  private insert(from: number, text: readonly number[]): number {
    let node = from;
    for (const id of text) {
      let siblings = this.children.get(node);
      if (!siblings) this.children.set(node, (siblings = new Map<number, number>()));
      let next = siblings.get(id);
      if (next === undefined) {
        next = this.ids.length;
        siblings.set(id, next);
        this.ids.push(id);
        this.parents.push(node);
      }
      node = next;
    }
    return node;
  }
}

/** A row of a batch, of one person. */
interface Row {
  readonly trie: Trie;
  readonly group: number;
}

/**
 * Log-likelihoods of all continuations, exactly those of reading every text on its own: what prompts of one person have
 * in common is computed once, as a tree of tokens in which each sees its ancestors only, and where one row does not
 * hold a person's items, as cached keys and values before all rows.
 * @returns For each group and item the log-likelihood of each continuation, in nats.
 */
export async function logLikelihoods(decoder: Decoder, groups: readonly LikelihoodGroup[]): Promise<number[][][]> {
  const sums = zeros(groups);
  const single: Row[] = [];
  for (const [g, group] of groups.entries()) {
    const rows = packRows(group.items, 0, ROW_TOKENS);
    if (rows.length === 1) {
      single.push({ trie: rows[0]!, group: g });
      continue;
    }
    const prefix = commonPrefix(group.items);
    if (prefix.length < MIN_PREFIX) {
      single.push(...rows.map((trie) => ({ trie, group: g })));
      continue;
    }
    const { cache } = await decoder.forward(makeBatch([{ ids: prefix }], { precision: decoder.precision }), {
      profile: stackProfiles(decoder.precision, [group.profile]),
      keepCache: true,
    });
    const suffixes = packRows(group.items, prefix.length, SUFFIX_ROW_TOKENS).map((trie) => ({ trie, group: g }));
    for (const batch of batches(suffixes)) await addBatch(decoder, groups, batch, sums, { past: cache });
  }
  for (const batch of batches(single)) await addBatch(decoder, groups, batch, sums);
  return sums;
}

/**
 * The log-likelihoods of one item, and what the adapter lets be seen of every token [1, T, ...] by name, of one pass; the
 * prompt's tokens are the first of the T.
 */
export async function observedLogLikelihoods(
  decoder: Decoder,
  item: LikelihoodItem,
  profile: Float32Array | undefined,
): Promise<{ readonly logLikelihoods: number[]; readonly observed: Feeds }> {
  const groups = [{ profile, items: [item] }];
  const sums = zeros(groups);
  const rows = packRows([item], 0, ROW_TOKENS).map((trie) => ({ trie, group: 0 }));
  const observed = await addBatch(decoder, groups, rows, sums, { observe: true });
  return { logLikelihoods: sums[0]![0]!, observed };
}

function zeros(groups: readonly LikelihoodGroup[]): number[][][] {
  return groups.map(({ items }) => items.map(({ continuations }) => continuations.map(() => 0)));
}

/** Fills rows one after the other. @param skip Tokens at the start of every prompt that stand elsewhere. */
function packRows(items: readonly LikelihoodItem[], skip: number, rowTokens: number): Trie[] {
  const rows: Trie[] = [];
  for (const [index, item] of items.entries()) {
    let row = rows.at(-1);
    if (!row || row.ids.length + row.missing(item.prompt.slice(skip)) > rowTokens) rows.push((row = new Trie()));
    row.add(item, index, skip);
  }
  return rows;
}

/** What all prompts begin with; at least one token of each prompt is left. */
function commonPrefix(items: readonly LikelihoodItem[]): readonly number[] {
  const first = items[0]!.prompt;
  let length = Math.min(...items.map(({ prompt }) => prompt.length)) - 1;
  for (const { prompt } of items) {
    for (let i = 0; i < length; i++) if (prompt[i] !== first[i]) length = i;
  }
  return first.slice(0, length);
}

/** Rows of similar length together. */
function batches(rows: readonly Row[]): Row[][] {
  const sorted = [...rows].sort((a, b) => b.trie.ids.length - a.trie.ids.length);
  const found: Row[][] = [];
  for (let at = 0; at < sorted.length;) {
    const longest = sorted[at]!.trie.ids.length;
    const size = Math.max(1, Math.floor(BATCH_TOKENS / longest));
    found.push(sorted.slice(at, at + size));
    at += size;
  }
  return found;
}

/**
 * Runs one batch and adds the log-probability of each wanted token to its continuation's sum.
 * @returns What the adapter lets be seen of every token, where that is asked for.
 */
async function addBatch(
  decoder: Decoder,
  groups: readonly LikelihoodGroup[],
  rows: readonly Row[],
  sums: number[][][],
  { past, observe = false }: { readonly past?: KvCache; readonly observe?: boolean } = {},
): Promise<Feeds> {
  const batch = makeBatch(
    rows.map(({ trie }) => trie),
    { precision: decoder.precision, past: past?.[0]?.keys.shape[2] ?? 0 },
  );
  const rowOf = new Map<number, number>();
  const wanted = rows.flatMap(({ trie, group }, b) =>
    trie.wanted.map((want) => {
      const at = b * batch.tokens + want.node;
      if (!rowOf.has(at)) rowOf.set(at, rowOf.size);
      return { ...want, group, row: rowOf.get(at)! };
    }),
  );
  const profiles = rows.map(({ group }) => groups[group]!.profile);
  const { hidden, observed } = await decoder.forward(batch, {
    profile: stackProfiles(decoder.precision, profiles),
    rows: Int32Array.from(rowOf.keys()),
    past,
    observe,
  });
  const values = await decoder.logProbs(
    hidden,
    Int32Array.from(wanted, ({ row }) => row),
    Int32Array.from(wanted, ({ token }) => token),
  );
  for (const [i, { group, item, continuation }] of wanted.entries()) sums[group]![item]![continuation]! += values[i]!;
  return observed;
}
