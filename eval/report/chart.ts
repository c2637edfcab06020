import type { TopLevelSpec } from "vega-lite";
import { clean, html, Markup } from "./html.ts";

/** A chart and what a reader who does not see it is told. */
export interface Chart {
  /** Unique in the page; only letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What the chart shows, with its main numbers. */
  readonly description: string;
  readonly spec: TopLevelSpec;
}

/** Colours are variables of the page's style, so that charts follow its dark and light modes. */
const config = {
  aria: false,
  background: "transparent",
  font: "inherit",
  axis: {
    labelColor: "var(--muted)",
    titleColor: "var(--fg)",
    titleFontWeight: "normal",
    gridColor: "var(--line)",
    domainColor: "var(--muted)",
    tickColor: "var(--muted)",
    labelFontSize: 11,
    titleFontSize: 12,
  },
  view: { stroke: "transparent" },
  text: { color: "var(--fg)" },
} as const;

/** What Vega exports and its types leave out. */
interface WithTextMetrics {
  readonly textMetrics: { canvas(use: boolean): void };
}

/** A Vega-Lite chart as inline SVG. Equal charts give equal text. */
export async function drawChart({ id, title, description, spec }: Chart): Promise<Markup> {
  // Loaded here, as only reports need them and every command would wait for them.
  const [{ compile }, vega] = await Promise.all([import("vega-lite"), import("vega")]);
  const { parse, View } = vega;
  // Widths of text are estimated, so that they do not depend on whether a canvas package and fonts are installed.
  (vega as unknown as WithTextMetrics).textMetrics.canvas(false);
  const compiled = compile({ ...spec, config }).spec;
  const view = new View(parse(compiled), { renderer: "none" });
  try {
    return figure(id, title, description, compact(id, await view.toSVG()));
  } finally {
    view.finalize();
  }
}

/**
 * An SVG with its title and description for assistive technology.
 * @param svg An `svg` element without attributes that name it.
 */
function figure(id: string, title: string, description: string, svg: string): Markup {
  const labels = html`<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>`;
  return new Markup(
    svg.replace(/^<svg [^>]*?(?= width=)([^>]*)>/, (_, size: string) => opening(id, size, labels.text)),
  );
}

function opening(id: string, size: string, labels: string): string {
  return `<svg role="img" aria-labelledby="${id}-title" aria-describedby="${id}-desc"${size}>${labels}`;
}

/** A hand-made SVG of the page. @param body What is drawn. */
export function drawing(
  { id, title, description }: Omit<Chart, "spec">,
  size: { readonly width: number; readonly height: number; readonly stretch?: boolean },
  body: Markup,
): Markup {
  const aspect = size.stretch
    ? html` preserveAspectRatio="none"`
    : html` width="${size.width}" height="${size.height}"`;
  return html`<svg
    role="img"
    aria-labelledby="${id}-title"
    aria-describedby="${id}-desc"
    ${aspect}
    viewBox="0 0 ${size.width} ${size.height}"
  >
    <title id="${id}-title">${title}</title>
    <desc id="${id}-desc">${description}</desc>
    ${body}
  </svg>`;
}

/** Without what neither a reader nor a browser needs; ids, which Vega counts over the process, become the page's own. */
function compact(id: string, svg: string): string {
  const ids = new Map<string, string>();
  const own = (name: string): string => {
    if (!ids.has(name)) ids.set(name, `${id}-${ids.size}`);
    return ids.get(name)!;
  };
  return clean(svg).replace(/<[^>]*>/g, (tag) =>
    tag
      .replace(/ (class|role|aria-[a-z]+|pointer-events|xmlns:xlink|version|stroke-miterlimit)="[^"]*"/g, "")
      .replace(/ (opacity|stroke-width)="1"/g, "")
      .replace(/ id="([^"]*)"/g, (_, name: string) => ` id="${own(name)}"`)
      .replace(/url\(#([^)]*)\)/g, (_, name: string) => `url(#${own(name)})`),
  );
}
