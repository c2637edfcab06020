/** What is attacked before a release: see CONTRIBUTING.md. Ends with 1 where anything went wrong. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canInject, killAtSystemCalls } from "./kill.ts";

const folder = mkdtempSync(join(tmpdir(), "cuma-attacks-"));
try {
  if (canInject()) {
    for (const { title, kills, faults } of killAtSystemCalls(folder, Number(process.argv[2] ?? 1))) {
      console.log(`${title}: killed ${kills} times, ${faults.length} faults`);
      for (const fault of faults) console.log(`  ${fault}`);
      if (faults.length > 0) process.exitCode = 1;
    }
  } else {
    console.log("kills at system calls: skipped, strace is not there or may not be used");
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
