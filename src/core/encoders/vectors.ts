import { SafetensorsFile } from "../checkpoint/index.ts";
import { sha256File } from "../io/index.ts";
import { count, CumaError, show } from "../util/index.ts";
import type { TextEncoder } from "./textEncoder.ts";

/**
 * Vectors that the user gives: a safetensors file with one float tensor [D] per profile, named by the profile's text as
 * `profileText` writes it ("You are a person from Japan, age: 25-34."), all of one length D.
 * @throws CumaError naming the file and the tensor that is wrong; in `encode`, the text that has no vector.
 */
export async function vectorsEncoder(path: string): Promise<TextEncoder> {
  const hash = await sha256File(path);
  const file = SafetensorsFile.open(path);
  try {
    const [first] = file.names;
    if (first === undefined) throw new CumaError(`${path}: expected a vector for each profile, found no tensors`);
    const width = file.shape(first)[0] ?? 0;
    for (const name of file.names) {
      const shape = file.shape(name);
      if (shape.length !== 1 || shape[0] !== width || width === 0) {
        const expected = width > 0 ? `[${width}], as that of ${show(first)}` : "[D]";
        throw new CumaError(
          `${path}: tensor ${show(name)}: expected a vector of shape ${expected}; found [${shape.join(", ")}]`,
        );
      }
    }
    return {
      name: path,
      width,
      hash,
      encode: (texts) => Promise.all(texts.map((text) => lookUp(file, text))),
      dispose: () => {
        file.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

// Asynchronous, so that a missing vector rejects instead of throwing.
async function lookUp(file: SafetensorsFile, text: string): Promise<Float32Array> {
  if (!file.has(text)) {
    throw new CumaError(
      `${file.path}: there is no vector for the profile ${show(text)}; it has ${count(file.names.length, "vector")}, the first for ${show(file.names[0])}`,
    );
  }
  return Promise.resolve(file.read(text).data);
}
