import { html, join, Markup } from "./html.ts";
import type { Cell, Table } from "./reportTable.ts";

/** A table as an element of a page. */
export function tableElement({ head, rows }: Table, className: string): Markup {
  const table = html`<table class="${className}">
    <thead>
      ${row(head)}
    </thead>
    <tbody>
      ${join(rows.map(row))}
    </tbody>
  </table>`;
  return scroll(table);
}

function row(cells: readonly Cell[]): Markup {
  let text = "";
  let before: Cell | undefined;
  for (const cell of cells) {
    if (cell.element === null) continue;
    text += `${before === undefined || (before.tall && cell.tall) ? "" : "\n"}${cell.element.text}`;
    before = cell;
  }
  return html`<tr>
    ${new Markup(text)}
  </tr>`;
}

/** Something wide, that scrolls by itself instead of the page. */
function scroll(content: Markup): Markup {
  return html`<div class="scroll" tabindex="0">${content}</div>`;
}
