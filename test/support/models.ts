import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const root =
  process.env["CUMA_MODELS"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "cuma-models");

/** Folder of a real model made by `prepare.py`; undefined where it has not been made. */
export function realModel(name: "smollm2-135m-instruct" | "all-minilm-l6-v2"): string | undefined {
  const folder = join(root, name);
  return existsSync(join(folder, "config.json")) ? folder : undefined;
}

/** For the title of a test that is skipped without the real models. */
export const needsModels = `(needs real models in ${root}; set CUMA_MODELS, see CONTRIBUTING.md)`;
