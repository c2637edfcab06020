/** What a template does that Python refuses too, or that is not there. */
export class TemplateError extends Error {}

export function fail(message: string): never {
  throw new TemplateError(message);
}
