import { datasets, loadWorldValuesBench, type DatasetName } from "../../datasets/index.ts";
import { PREDICTIONS_FILE, scorePublished } from "../../eval/index.ts";
import { OutFolder, sha256File } from "../core/io/index.ts";
import { checkArgument, UsageError } from "../core/util/index.ts";
import { publishedSchema } from "./arguments.ts";
import { evaluationFolder } from "./evaluationFolder.ts";
import { writePublishedResults, type PublishedResults } from "./files/results.ts";
import { provenance } from "./provenance.ts";

/** A published prediction file, and the data it is scored against. */
export interface PublishedConfig {
  readonly benchmark: DatasetName;
  /** Tab- or comma-separated QUESTION_ID, PARTICIPANT_ID, SCORE. */
  readonly predictions: string;
  readonly dir: string;
  readonly split: string;
  readonly seed: number;
  readonly by: readonly string[] | null;
  readonly resamples: number;
  /** Folder for results.json; null: none is written. */
  readonly out: string | null;
  readonly overwrite: boolean;
}

/** Scores a published prediction file, without a model. @throws CumaError naming file and line of what is wrong. */
export async function scorePublishedFile(
  config: PublishedConfig,
  onProgress: (message: string) => void,
): Promise<PublishedResults> {
  checkArgument("config", publishedSchema, config);
  const { benchmark, predictions, dir, split, seed, by, resamples, out } = config;
  if (benchmark !== "wvb") {
    throw new UsageError(
      `published prediction files are those of WorldValuesBench; expected --bench wvb, found ${benchmark}`,
    );
  }
  const ours = evaluationFolder([PREDICTIONS_FILE]);
  const mode = config.overwrite ? "overwrite" : "new";
  const folder = out === null ? null : OutFolder.take(out, mode, { ...ours, aside: true, inputs: [predictions] });
  try {
    const hash = await sha256File(predictions);
    onProgress(`reading ${dir} (${split})`);
    const source = await loadWorldValuesBench(dir, split);
    const scores = await scorePublished(predictions, source, { ...(by && { by }), resamples, seed });
    const results = {
      benchmark: datasets[benchmark].name,
      ...provenance({ ...config }),
      files: { ...source.files, [predictions]: hash },
      ...scores,
    };
    if (folder) {
      folder.begin();
      writePublishedResults(folder.dir, results);
      folder.complete();
    }
    return results;
  } finally {
    folder?.release();
  }
}
