import { expect, test } from "vitest";
import { packageVersion } from "../../src/app/package.ts";
import { cuma } from "../support/cli.ts";

const commands = ["train", "preview", "eval", "score", "report", "route", "answer", "data wvb", "data planted", "demo"];

test.each(commands)("%s --help shows an example", async (command) => {
  const { code, stdout, stderr } = await cuma([...command.split(" "), "--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`Examples?:\\n  cuma ${command}`));
});

test("--version and --help", async () => {
  expect(await cuma(["--version"])).toMatchObject({ code: 0, stdout: `${packageVersion}\n` });
  const help = await cuma(["--help"]);
  for (const command of commands.map((name) => name.split(" ")[0]!)) expect(help.stdout).toContain(command);
});

test.each([
  [["tain"], /unknown command 'tain'.*Did you mean train\?/s],
  [["train", "--lr", "1"], /unknown option '--lr'/],
  [["eval"], /required option '--data <dir>'/],
  [["answer", "--question", "x"], /required option '--option/],
  [["eval", "--data", "x", "--limit", "0"], /Expected a whole number from 1/],
  [["train", "--device", "tpu"], /Allowed choices are cpu, cuda, webgpu, directml, coreml/],
] as const)("%j is bad usage", async (args, message) => {
  const { code, stdout, stderr } = await cuma([...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test("without a command, help is printed and the code says that something is missing", async () => {
  const { code, stdout, stderr } = await cuma([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("Usage: cuma");
});
