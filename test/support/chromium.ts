import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A Chromium on the PATH; undefined where there is none. */
export const chromium = (process.env["PATH"] ?? "")
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Runs Chromium without a window and gives what it printed. */
export async function runChromium(args: readonly string[]): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), "cuma-chromium-"));
  try {
    const { stdout } = await promisify(execFile)(
      chromium!,
      ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", `--user-data-dir=${profile}`, ...args],
      { maxBuffer: 1 << 26, timeout: 60_000 },
    );
    return stdout;
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
