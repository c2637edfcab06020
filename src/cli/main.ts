#!/usr/bin/env node
import { report, run } from "./program.ts";
import { watchStreams } from "./terminal.ts";

watchStreams((error) => {
  process.exitCode = report(error);
});
process.on("uncaughtException", (error) => {
  process.exit(report(error));
});

const code = await run(process.argv.slice(2));
// 0 would hide that a stream has failed meanwhile.
if (code !== 0) process.exitCode = code;
