import { createRequire } from "node:module";

/** Version of an installed npm package, which is not loaded. */
export function packageVersion(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
}
