import { expect, test } from "vitest";
import { runConfigSchema } from "../../src/app/runConfig.ts";
import { engineNames, engines, makeEngine, type Device } from "../../src/core/engine/index.ts";

test.each(engineNames)("%s is made by its name, and run files take it", async (engine) => {
  const made = await makeEngine({ engine, device: "cpu", threads: 1 });
  expect(made.name).toBe(engine);
  expect(runConfigSchema.parse({ base: "demo", data: { dir: "." }, out: "out", engine })).toMatchObject({ engine });
});

test("a device that an engine does not have is refused by name", async () => {
  await expect(makeEngine({ engine: "reference", device: "cuda", threads: null })).rejects.toThrow(
    'the engine "reference" has no device "cuda"; expected one of cpu',
  );
});

test("a device that is not installed is refused with how to get it", async () => {
  const device: Device = process.platform === "win32" ? "coreml" : "directml";
  await expect(makeEngine({ engine: "onnxruntime", device, threads: 1 })).rejects.toThrow(
    engines.onnxruntime.devices[device].install,
  );
});
