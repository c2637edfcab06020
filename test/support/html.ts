/** An element of a page, with the text inside it. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const VOID = new Set(["meta", "br", "link", "img", "hr", "input", "wbr"]);
const TOKEN =
  /<!doctype html>|<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z_:][-\w:.]*(?:="[^"<>]*")?)*)\s*(\/?)>|[^<]+|</y;
const ATTRIBUTE = /([a-zA-Z_:][-\w:.]*)(?:="([^"]*)")?/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: "\u00a0",
};

/**
 * Reads a page strictly: quoted attributes, every element closed in its order, no stray "<" and no comments.
 * @throws Error naming the place of what is not so.
 */
export function parseHtml(page: string): Element {
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open: Element[] = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < page.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(page);
    const here = JSON.stringify(page.slice(at, at + 80));
    if (!match || match[0] === "<") throw new Error(`no markup at ${at}: ${here}`);
    const [token, closing, name, attributes, closed] = match;
    if (name === undefined) {
      if (!token.startsWith("<!")) for (const element of open) element.text += decode(token);
    } else if (closing === "/") {
      const last = open.pop()!;
      if (last.name !== name) throw new Error(`</${name}> closes <${last.name}> at ${at}: ${here}`);
    } else {
      const found = [...attributes!.matchAll(ATTRIBUTE)].map(([, key, value]) => [key!, decode(value ?? "")]);
      const element: Element = {
        name,
        attributes: Object.fromEntries(found) as Record<string, string>,
        children: [],
        text: "",
      };
      open.at(-1)!.children.push(element);
      if (closed !== "/" && !VOID.has(name)) open.push(element);
    }
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  return root;
}

function decode(text: string): string {
  return text.replace(/&(\w+|#39);/g, (_, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined) throw new Error(`unknown entity &${name};`);
    return character;
  });
}

/** All elements below, in the order of the page. */
export function* elements(root: Element): Generator<Element> {
  for (const child of root.children) {
    yield child;
    yield* elements(child);
  }
}

/** Elements below of this name. */
export function all(root: Element, name: string): Element[] {
  return [...elements(root)].filter((element) => element.name === name);
}
