import { homedir } from "node:os";
import { join } from "node:path";
import { CumaError } from "../util/errors.ts";

/** @throws CumaError where the system knows of none: no HOME, and a user without an entry of its own. */
function homeFolder(): string {
  let home = "";
  try {
    home = homedir();
  } catch {
    // Said below.
  }
  if (home !== "") return home;
  throw new CumaError("this user has no home folder to keep anything in; set HOME to a folder that can be written");
}

/** "~" and "~/..." as paths below the home folder; every other path as it is. */
export function expandHome(path: string): string {
  return /^~($|[/\\])/.test(path) ? join(homeFolder(), path.slice(1)) : path;
}

/** Where programs keep what they can make anew: `XDG_CACHE_HOME`, or ~/.cache. */
export function cacheFolder(): string {
  return process.env["XDG_CACHE_HOME"] || join(homeFolder(), ".cache");
}
