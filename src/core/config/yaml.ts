import {
  Composer,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  Scalar,
  type CST,
  type Document,
  type YAMLMap,
} from "yaml";
import { excerpt, messageOf, show, UsageError } from "../util/index.ts";

/** What a YAML text says, and where. */
export interface YamlValue {
  readonly value: unknown;
  /** Line of the key, or of the item of a list; 1 for the whole. */
  readonly line: number;
  /** Parts of a map by key, or of a list by position. */
  readonly parts: ReadonlyMap<string, YamlValue>;
}

const MAX_DEPTH = 100;
/** Values that aliases repeat: a few of them can repeat a small text without end. */
const MAX_REPEATED = 10_000;
const MERGE = "<<";

/**
 * Reads one YAML 1.2 document, or JSON: maps whose keys are texts, lists and plain values. Anchors, aliases and merge
 * keys work; a map's own keys win over merged ones, and earlier merged maps over later ones.
 * @param where Names the text and a line of it in messages.
 * @throws UsageError naming the place of what is wrong.
 */
export function readYaml(text: string, where: (line: number) => string): YamlValue {
  const lines = new LineCounter();
  const wrong: Wrong = (offset, what) => new UsageError(`${where(lines.linePos(offset).line)}: ${what}`);
  return new Reader(compose(text, lines, wrong), lines, wrong).read();
}

/** An error about what stands at an offset. */
type Wrong = (offset: number, what: string) => UsageError;

function compose(text: string, lines: LineCounter, wrong: Wrong): Document.Parsed | undefined {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  checkDepth(tokens, wrong);
  // Reader looks for equal keys itself: the composer compares each key with each.
  const documents = [...new Composer({ uniqueKeys: false }).compose(tokens)] as Document.Parsed[];
  const [first, second] = documents;
  if (second) throw wrong(second.range[0], 'expected one document; found another one after "---"');
  const problem = first?.errors[0] ?? first?.warnings[0];
  if (problem) throw wrong(problem.pos[0], messageOf(problem));
  if (first?.directives.yaml.version === "1.1") throw wrong(0, "expected YAML 1.2; found %YAML 1.1");
  return first;
}

/** The composer calls itself for what is inside, as deep as the text goes. */
function checkDepth(tokens: readonly CST.Token[], wrong: Wrong): void {
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { token } = next;
    const depth = next.depth + 1;
    if (depth > MAX_DEPTH) throw wrong(token.offset, `is nested deeper than ${MAX_DEPTH}`);
    if ("value" in token && typeof token.value === "object") open.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      if (key) open.push({ token: key, depth });
      if (value) open.push({ token: value, depth });
    }
  }
}

/** A document's values, with the lines they stand in. */
class Reader {
  private readonly document: Document.Parsed | undefined;
  private readonly lines: LineCounter;
  private readonly wrong: Wrong;
  private readonly anchors = new Map<string, unknown>();
  /** Nodes with anchors that are being read. */
  private readonly open = new Set<unknown>();
  /** Aliases inside of each other that are being read. */
  private aliases = 0;
  private repeated = 0;

  constructor(document: Document.Parsed | undefined, lines: LineCounter, wrong: Wrong) {
    this.document = document;
    this.lines = lines;
    this.wrong = wrong;
  }

  read(): YamlValue {
    return this.node(this.document?.contents, 1);
  }

  private node(node: unknown, line: number): YamlValue {
    const found = this.resolve(node);
    const repeats = found !== node;
    if (repeats) this.aliases++;
    if (this.aliases > 0 && ++this.repeated > MAX_REPEATED) {
      throw this.wrong(offsetOf(found), `aliases repeat more than ${MAX_REPEATED.toLocaleString("en-US")} values`);
    }
    this.open.add(found);
    const value = this.content(found, line);
    this.open.delete(found);
    if (repeats) this.aliases--;
    return value;
  }

  private content(node: unknown, line: number): YamlValue {
    if (isMap(node)) return this.map(node, line);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.node(item, this.lineOf(item, line)));
      return {
        value: items.map(({ value }) => value),
        line,
        parts: new Map(items.map((item, i) => [String(i), item])),
      };
    }
    return { value: isScalar(node) ? this.scalar(node) : null, line, parts: new Map() };
  }

  private map(map: YAMLMap, line: number): YamlValue {
    const own = new Map<string, YamlValue>();
    const merged = new Map<string, YamlValue>();
    let merges = false;
    for (const { key, value } of map.items) {
      const keyLine = this.lineOf(key, line);
      const name = this.keyOf(key);
      const isMerge = name === MERGE && isPlain(key);
      if (isMerge ? merges : own.has(name))
        throw this.wrong(offsetOf(key), `the key ${show(name)} comes twice in one map`);
      if (!isMerge) own.set(name, this.node(value, keyLine));
      else {
        merges = true;
        for (const [inner, part] of this.merged(value, key, keyLine)) {
          if (!merged.has(inner)) merged.set(inner, part);
        }
      }
    }
    const parts = new Map([...merged, ...own]);
    return { value: Object.fromEntries([...parts].map(([name, part]) => [name, part.value])), line, parts };
  }

  /** Keys of the map, or of the maps in the list, that a merge key names. */
  private merged(value: unknown, key: unknown, line: number): [string, YamlValue][] {
    const found = this.resolve(value);
    const sources = isSeq(found) ? found.items : [value];
    return sources.flatMap((source) => {
      if (!isMap(this.resolve(source)))
        throw this.wrong(offsetOf(key), `expected a map, or a list of maps, after "${MERGE}"`);
      return [...this.node(source, line).parts];
    });
  }

  private keyOf(key: unknown): string {
    const found = this.resolve(key);
    if (!isScalar(found)) throw this.wrong(offsetOf(key), "expected a text as key; found a map or a list");
    return String(found.value);
  }

  /** The node that an alias stands for, which is the last one before it with its anchor; any other node itself. */
  private resolve(node: unknown): unknown {
    if (!isAlias(node)) {
      if (this.aliases === 0 && isNode(node) && node.anchor !== undefined) this.anchors.set(node.anchor, node);
      return node;
    }
    const name = excerpt(node.source);
    const found = this.anchors.get(node.source);
    if (found === undefined) throw this.wrong(offsetOf(node), `nothing before "*${name}" has the anchor "&${name}"`);
    if (this.open.has(found)) throw this.wrong(offsetOf(node), `"*${name}" stands inside of what it repeats`);
    return found;
  }

  private scalar(scalar: Scalar): unknown {
    const { value, source, type } = scalar;
    if (type === Scalar.PLAIN && typeof value === "number" && /^[-+]?0\d/.test(source ?? "")) {
      throw this.wrong(
        offsetOf(scalar),
        `expected a number without leading zeros, which some read as octal; found ${source!}`,
      );
    }
    return value;
  }

  private lineOf(node: unknown, otherwise: number): number {
    const offset = offsetOf(node);
    return offset < 0 ? otherwise : this.lines.linePos(offset).line;
  }
}

const isPlain = (key: unknown): boolean => isScalar(key) && key.type === Scalar.PLAIN;

/** -1 for what is not there. */
const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? -1) : -1);
