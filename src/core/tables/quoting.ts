const SPECIAL = /["\r\n]/;

/**
 * A field of a csv or tsv file, in quotes (RFC 4180) where it holds a quote, a line end or the delimiter.
 * @param also What else a field is put in quotes for: what some reader would take for something other than a text.
 */
export function quoteField(text: string, delimiter: string, also?: RegExp): string {
  const special = SPECIAL.test(text) || text.includes(delimiter) || also?.test(text) === true;
  return special ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of a csv or tsv file, with its end. */
export function delimitedLine(fields: readonly string[], delimiter: string): string {
  return `${fields.map((text) => quoteField(text, delimiter)).join(delimiter)}\n`;
}
