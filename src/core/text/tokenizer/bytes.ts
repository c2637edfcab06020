/** The character that stands for each byte in a byte-level vocabulary: itself where it is printable, else one after U+00FF. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : 256 + others++);
  });
})();

const encoder = new TextEncoder();

/** A text as a byte-level vocabulary has it: one character for every byte of its UTF-8. */
export function toByteCharacters(text: string): string {
  return Array.from(encoder.encode(text), (byte) => BYTE_CHARACTERS[byte]).join("");
}
