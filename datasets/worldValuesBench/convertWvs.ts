import { isLockFile, listFolder, lockFolder, makeFolder } from "../../src/core/io/index.ts";
import { checkArgument, CumaError, MersenneTwister } from "../../src/core/util/index.ts";
import { wvsSchema } from "../arguments.ts";
import { readMetadata } from "./questions.ts";
import { writeSplits, type WvsSplit } from "./splitFiles.ts";
import { findSurvey, readSurvey, type Survey } from "./survey.ts";

export type { WvsSplit } from "./splitFiles.ts";

export interface WvsOptions {
  /** The survey's csv file. */
  readonly wvs: string;
  /** Folder with the benchmark's three json files, themselves or inside `dataset_construction/`. */
  readonly metadataDir: string;
  /** Folder to write; made when absent. */
  readonly out: string;
  /** Replace the files of these names in a folder that is not empty; others stay. */
  readonly overwrite?: boolean | undefined;
  /** Bytes of the csv that are read, and its size. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface WvsConversion extends Omit<Survey, "rows"> {
  readonly participants: Readonly<Record<WvsSplit, number>>;
  /** Answers to value questions; the benchmark's 21,492,393, 15,042,191, 3,225,712 and 3,224,490 for version 5. */
  readonly answers: Readonly<Record<WvsSplit, number>>;
}

/**
 * Makes WorldValuesBench's files from the csv of the World Values Survey, wave 7: `{split}/{split}_{demographic,value}_qa.tsv`
 * for full, train, valid and test, with copies of the three json files, so that `loadWorldValuesBench(out, split)` reads them.
 *
 * Columns are `D_INTERVIEW` and then the questions in the order of the metadata. A cell is decided in three steps:
 * 1. the code is read as an integer (`3` or `3.0`), and replaced if `answer_adjustment.json` says so; by "" is no answer;
 * 2. an ordinal question (all value questions, and Q288) gets the number, or nothing if it is negative;
 * 3. any other gets the codebook's text, of negative codes too ("No answer"); where the codebook has no code but negative
 *    ones (Q262, the age) or lacks this one, the number.
 *
 * `full` is in the order of the csv. The others are its rows as `splitParticipants` has them, in shuffled order. The csv
 * may be separated by `;` or `,`, its fields quoted. It is read once; rows stay in memory as text, about 1.5 kB each.
 *
 * The benchmark was made from version 5, where 93,278 interviews remain. Version 6 has other interviews: the same rules
 * apply, but its split is another one, and codes that are new in it appear as `unknownCodes`. The survey's "inverted"
 * csv is no input: its reversed questions have names like Q1P.
 *
 * Files are written under temporary names. When all are complete, old ones are removed and the new ones renamed, so that
 * an interrupted run leaves the old files, or lacks some; it never leaves part of a file, or old beside new.
 *
 * Departures from the original script: what it lets pass is an error here (a value question's code that the codebook
 * lacks, an answer off its scale, interviews of one number); an empty ordinal cell, which stops it, is no answer; a
 * negative demographic code that the codebook lacks is blank, not a number.
 *
 * @throws CumaError naming file, line (the header is line 1) and column for anything that is not as described; where
 * `out` has files and `overwrite` is not given; where another process is writing there.
 * Source: github.com/Demon702/WorldValuesBench, dataset_construction/data_preparation.py at cd7b4bb.
 */
export async function convertWvs(options: WvsOptions): Promise<WvsConversion> {
  checkArgument("options", wvsSchema, options);
  const { wvs, metadataDir, out, overwrite = false } = options;
  listFolder(metadataDir);
  const metadata = readMetadata(metadataDir);
  const survey = findSurvey(wvs);
  makeFolder(out);
  const unlock = lockFolder(out);
  try {
    const names = listFolder(out).filter((name) => !isLockFile(name));
    if (names.length > 0 && !overwrite) {
      const some = names.slice(0, 3).join(", ");
      throw new CumaError(
        `${out}: the folder has files in it (${some}); give --overwrite to replace the data set in it, or another folder`,
      );
    }
    const { rows, ...read } = await readSurvey(survey, metadata.questions, (done) => {
      options.onProgress?.(done, survey.size);
    });
    const full = Uint32Array.from(rows.answers, (_, row) => row);
    const splits = { full, ...splitParticipants(rows.answers.length) };
    writeSplits(out, splits, rows, metadata);
    return {
      ...read,
      participants: forEachSplit((split) => splits[split].length),
      answers: forEachSplit((split) => splits[split].reduce((sum, row) => sum + rows.answers[row]!, 0)),
    };
  } finally {
    unlock();
  }
}

/**
 * The benchmark's split of n participants: rows 0 to n - 1 in the order that CPython's `random.seed(0)` and
 * `random.shuffle` give them; the first 70% are train, the next 15% test (both rounded down), the rest valid.
 */
export function splitParticipants(n: number): Record<Exclude<WvsSplit, "full">, Uint32Array> {
  const order = new MersenneTwister(0).shuffle(Uint32Array.from({ length: n }, (_, row) => row));
  const trainEnd = Math.floor(0.7 * n);
  const testEnd = trainEnd + Math.floor(0.15 * n);
  return {
    train: order.subarray(0, trainEnd),
    valid: order.subarray(testEnd),
    test: order.subarray(trainEnd, testEnd),
  };
}

function forEachSplit(of: (split: WvsSplit) => number): Record<WvsSplit, number> {
  return { full: of("full"), train: of("train"), valid: of("valid"), test: of("test") };
}
