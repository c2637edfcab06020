import type { PersonSettings } from "../../../adapters/index.ts";
import { checkHoldOut, datasets, withoutHeldOut } from "../../../datasets/index.ts";
import { objectives, ScheduledFeed, type SftExample } from "../../core/train/index.ts";
import { CumaError, show } from "../../core/util/index.ts";
import { openBase, type BaseDescription } from "../model/baseModel.ts";
import { fitting } from "../model/fitting.ts";
import { checkAttributes, selectAttributes } from "../model/profileVectors.ts";
import { Prompts } from "../model/prompts.ts";
import type { RunConfig } from "../runConfig.ts";
import { ChoiceSft } from "./sftSource.ts";

export type Progress = (message: string) => void;

/** The examples of a run and the base that they are put to; no weight is read for them. */
export interface RunData {
  readonly base: BaseDescription;
  readonly source: ChoiceSft;
  readonly feed: ScheduledFeed<SftExample>;
  readonly settings: PersonSettings;
  /** SHA-256 by file. */
  readonly files: Readonly<Record<string, string>>;
  /** What was changed or left out of the data, by reason. */
  readonly notes: Readonly<Record<string, number>>;
}

/** Loads the data of a run file, and what is small of its base. */
export async function loadRunData(config: RunConfig, onProgress: Progress): Promise<RunData> {
  const { data, train, template } = config;
  onProgress(`reading ${data.dir} (${data.split})`);
  const draw = { limit: data.limit ?? undefined, seed: train.seed };
  const { holdOut, persona } = data;
  const { load, prompt } = datasets[data.benchmark];
  let found = await load(data.dir, data.split, holdOut.length === 0 ? draw : { seed: draw.seed });
  checkHoldOut("data.holdOut", holdOut, found);
  if (holdOut.length > 0) found = withoutHeldOut(found, holdOut, draw);
  if (found.length === 0) {
    const left = holdOut.length > 0 ? " that data.holdOut leaves" : "";
    throw new CumaError(`${data.dir}: the split ${show(data.split)} has no examples${left}`);
  }
  if (data.attributes) checkAttributes("data.attributes", data.attributes, found.attributes);
  const attributes = data.attributes ?? found.attributes;
  const base = await openBase(config.base, { revision: config.revision, onProgress });
  const prompts = new Prompts(base, { persona, template }, prompt);
  found = fitting(found, prompts, base.config, (profile) => selectAttributes(profile, attributes), onProgress);
  const source = new ChoiceSft(found, prompts, { attributes, labels: train.labels });
  const feed = new ScheduledFeed(source, objectives[train.objective], train);
  const { files, notes = {} } = found;
  return { base, source, feed, settings: { attributes, persona, template, holdOut }, files, notes };
}
