import { profileText, type Profile } from "../../core/text/index.ts";
import { project, standardise, type ProfileSpace, type TextEncoder } from "../../core/encoders/index.ts";
import type { HostTensor } from "../../core/graph/index.ts";
import { CumaError, unknownName } from "../../core/util/index.ts";

/** The attributes of a profile that are used, in the order of `attributes`. */
export function selectAttributes(profile: Profile, attributes: readonly string[]): Profile {
  return Object.fromEntries(attributes.flatMap((name) => (profile[name] === undefined ? [] : [[name, profile[name]]])));
}

/** @throws CumaError for an attribute that is not among those known. @param where Names the list in the message. */
export function checkAttributes(where: string, names: Iterable<string>, known: readonly string[]): void {
  for (const name of names) {
    if (!known.includes(name)) throw new CumaError(`${where}: ${unknownName("attribute", name, known)}`);
  }
}

/**
 * Vectors of profiles as the encoder gives them, centred and scaled by the space's standardisation. A profile that
 * says nothing is the zero vector: the average reader.
 */
export async function encodeProfiles(
  profiles: readonly Profile[],
  encoder: TextEncoder,
  { standard, width }: Pick<ProfileSpace, "standard" | "width">,
): Promise<Float32Array[]> {
  const texts = profiles.map(profileText);
  const vectors = await encoder.encode(texts.filter((text) => text !== ""));
  let at = 0;
  return texts.map((text) => {
    if (text === "") return new Float32Array(width);
    const vector = vectors[at++]!;
    return standard ? standardise(vector, standard) : vector;
  });
}

/** The vectors that a trained adapter takes, by profile; each is made once. */
export class ReaderVectors {
  private readonly vectors = new Map<string, Float32Array>();
  private readonly encoder: TextEncoder;
  private readonly space: ProfileSpace;
  private readonly projection: HostTensor | undefined;

  /** @param projection Weight of the space's projection, where it has one. */
  constructor(encoder: TextEncoder, space: ProfileSpace, projection: HostTensor | undefined) {
    this.encoder = encoder;
    this.space = space;
    this.projection = projection;
  }

  async of(profiles: readonly Profile[]): Promise<Float32Array[]> {
    const fresh = new Map(
      profiles.flatMap((profile) => {
        const text = profileText(profile);
        return this.vectors.has(text) ? [] : [[text, profile]];
      }),
    );
    const made = await encodeProfiles([...fresh.values()], this.encoder, this.space);
    for (const [i, text] of [...fresh.keys()].entries()) {
      this.vectors.set(text, this.projection ? project(made[i]!, this.projection) : made[i]!);
    }
    return profiles.map((profile) => this.vectors.get(profileText(profile))!);
  }

  /** SHA-256 of the encoder. */
  get encoderHash(): string {
    return this.encoder.hash;
  }

  dispose(): Promise<void> {
    return this.encoder.dispose();
  }
}
