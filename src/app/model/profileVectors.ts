import type { LoadedAdapter } from "../../../adapters/index.ts";
import {
  profileWidth,
  project,
  PROJECTION,
  standardise,
  type ProfileSpace,
  type TextEncoder,
} from "../../core/encoders/index.ts";
import type { Engine } from "../../core/engine/index.ts";
import type { HostTensor } from "../../core/graph/index.ts";
import { profileText, type Profile } from "../../core/text/index.ts";
import { CumaError, excerpt, show, unknownName } from "../../core/util/index.ts";
import type { BaseModel } from "./baseModel.ts";
import { openEncoder } from "./encoder.ts";
import type { ModelOptions } from "./languageModel.ts";

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
 * says nothing is the zero vector: the average person.
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
export class ProfileVectors {
  private readonly vectors = new Map<string, Float32Array>();
  private readonly encoder: TextEncoder;
  private readonly space: ProfileSpace;
  private readonly projection: HostTensor | undefined;

  /** @param projection Weight of the space's projection, where it has one. */
  private constructor(encoder: TextEncoder, space: ProfileSpace, projection: HostTensor | undefined) {
    this.encoder = encoder;
    this.space = space;
    this.projection = projection;
  }

  /** The encoder of an adapter's profiles; null where it takes none, or nobody has said which it is. */
  static async open(
    { adapter, profileSpace, parameters }: LoadedAdapter,
    base: BaseModel,
    engine: Engine,
    options: Pick<ModelOptions, "adapter" | "encoder" | "allowOtherBase" | "onProgress">,
    baseHash: string | undefined,
  ): Promise<ProfileVectors | null> {
    if (adapter.profileWidth === 0) return null;
    const name = options.encoder ?? profileSpace?.encoder;
    if (name === undefined) return null;
    const { adapter: folder, onProgress } = options;
    // A folder that somebody gave must not make us download what it names.
    const namedBy = options.encoder === undefined ? `the adapter ${folder!}` : undefined;
    const encoder = await openEncoder(name, base, engine, { onProgress, namedBy }, baseHash);
    const otherBase = name === "base" && options.allowOtherBase === true;
    if (profileSpace && !otherBase && profileSpace.encoderHash !== encoder.hash) {
      throw new CumaError(
        `encoder ${show(name)}: its files are not those the adapter was trained with (SHA-256 ${excerpt(encoder.hash, 12)}, expected ${excerpt(profileSpace.encoderHash, 12)})`,
      );
    }
    const space: ProfileSpace = profileSpace ?? {
      encoder: name,
      encoderHash: encoder.hash,
      width: encoder.width,
      standard: null,
      projection: undefined,
    };
    if (profileWidth(space) !== adapter.profileWidth) {
      throw new CumaError(
        `encoder ${show(name)}: gives vectors of width ${encoder.width}; the adapter takes ${adapter.profileWidth}`,
      );
    }
    return new ProfileVectors(encoder, space, parameters[PROJECTION]);
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
