import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  copy,
  editJson,
  evaluate,
  fresh,
  goodData,
  type Json,
  overwrite,
  refused,
  remove,
  textFile,
  train,
  VALUES,
  withGoodFiles,
  write,
} from "./support.ts";

withGoodFiles();

/** `train` on damaged data. */
const data =
  (damage: (dir: string) => void): (() => string[]) =>
  () =>
    train(undefined, "--data", copy(goodData, damage));
const PEOPLE = "train/train_demographic_qa.tsv";
/** Lines of a table, without their ends, are changed; the first is the header. */
const lines = (name: string, edit: (lines: string[]) => unknown): (() => string[]) =>
  data((dir) => {
    const all = readFileSync(join(dir, name), "utf8").split("\n");
    edit(all);
    writeFileSync(join(dir, name), all.join("\n"));
  });
/** One cell; lines and columns from 1. */
const cell = (name: string, line: number, column: number, text: string): (() => string[]) =>
  lines(
    name,
    (all) =>
      (all[line - 1] = all[line - 1]!.split("\t")
        .with(column - 1, text)
        .join("\t")),
  );
const predictions = (text: string): string[] => [
  ...["eval", "--predictions", textFile("predictions.tsv", text), "--data", goodData, "--split", "test"],
];

refused("data", 1, {
  "without a column of the profile": [
    cell(PEOPLE, 1, 4, "AGE"),
    /train_demographic_qa\.tsv: header: expected the columns D_INTERVIEW, .*X003R.*; found D_INTERVIEW, .*AGE/,
  ],
  "without a question": [
    cell(VALUES, 1, 3, "Q0"),
    /train_value_qa\.tsv: header: expected the columns D_INTERVIEW, Q1, Q2, .*; found .*Q0/,
  ],
  "with an unknown question": [
    lines(VALUES, (all) => (all[0] = `${all[0]!}\tQ5`)),
    /train_value_qa\.tsv: header: unknown question column "Q5"; expected one of D_INTERVIEW, Q1, Q2, Q3, Q4/,
  ],
  "with a column twice": [
    lines(VALUES, (all) => (all[0] = `${all[0]!}\tQ4`)),
    /train_value_qa\.tsv: header: expected each column once; found Q4 twice/,
  ],
  "with a text for an integer": [
    cell(VALUES, 7, 3, "two"),
    /train_value_qa\.tsv:7: Q2: expected an integer or nothing; found "two"/,
  ],
  "with a fraction": [cell(VALUES, 7, 3, "2.5"), /:7: Q2: expected an integer or nothing; found "2\.5"/],
  "with an answer off its scale": [
    cell(VALUES, 9, 2, "17"),
    /train_value_qa\.tsv:9: Q1: expected an answer from 1 to \d; found "17"/,
  ],
  "with a short row": [
    lines(VALUES, (all) => (all[4] = all[4]!.split("\t").slice(0, 3).join("\t"))),
    /train_value_qa\.tsv:5: expected 5 fields, as in the header; found 3/,
  ],
  "with a participant twice": [
    lines(VALUES, (all) => (all[3] = all[2]!)),
    /train_value_qa\.tsv:4: D_INTERVIEW: expected each participant once; found \d+ on line 3 too/,
  ],
  "with a participant twice in the other table": [
    lines(PEOPLE, (all) => (all[3] = all[2]!)),
    /train_demographic_qa\.tsv:4: D_INTERVIEW: expected each participant once; found \d+ on line 3 too/,
  ],
  "with answers of nobody": [
    cell(VALUES, 3, 1, "777"),
    /train_value_qa\.tsv:3: D_INTERVIEW: expected a participant of \S+demographic_qa\.tsv; found 777/,
  ],
  "with a stray quote": [cell(PEOPLE, 6, 2, 'Be"l'), /train_demographic_qa\.tsv:6: Invalid Opening Quote/],
  "with an open quote": [cell(PEOPLE, 6, 2, '"Bel'), /train_demographic_qa\.tsv: row 5: Quote Not Closed/],
  "that is not UTF-8": [
    data((dir) => {
      overwrite(join(dir, PEOPLE), readFileSync(join(dir, PEOPLE)).indexOf("Arven"), Uint8Array.of(0xff));
    }),
    /train_demographic_qa\.tsv: is not UTF-8 text/,
  ],
  "that is an empty file": [data(write(VALUES, "")), /: header: expected the columns D_INTERVIEW, .*; found nothing/],
  "without a row": [
    data((dir) => {
      for (const name of [VALUES, PEOPLE]) {
        writeFileSync(join(dir, name), `${readFileSync(join(dir, name), "utf8").split("\n")[0]!}\n`);
      }
    }),
    /copy: the split "train" has no examples/,
  ],
  "with a folder for a file": [
    data((dir) => {
      rmSync(join(dir, VALUES));
      mkdirSync(join(dir, VALUES));
    }),
    /train_value_qa\.tsv: cannot be read: it is a folder; expected a file/,
  ],
  "without a file": [data(remove(VALUES)), /copy: expected a file train\/train_value_qa\.tsv or .*; found none/],
  "with a codebook that is not JSON": [data(write("codebook.json", "{")), /copy\/codebook\.json: is not JSON: /],
  "with a text for a bound": [
    data((dir) => {
      editJson(join(dir, "question_metadata.json"), (json) => ((json["Q2"] as Json)["answer_scale_max"] = "4"));
    }),
    /question_metadata\.json: "Q2\.answer_scale_max": expected number; found "4"/,
  ],
  "that is not there": [() => train(undefined, "--data", fresh("data")), /data: cannot be read: there is no such file/],
  "that is a file": [
    () => train(undefined, "--data", join(goodData, "truth.json")),
    /truth\.json: cannot be read: it is a file; expected a folder/,
  ],
  "of no such split": [
    () => train(undefined, "--set", "data.split=trian"),
    /unknown split "trian"; expected one of train, valid, test, full; did you mean "train"\?/,
  ],
  "without an attribute": [
    () => train(undefined, "--set", "data.attributes=[country, relligion]"),
    /data\.attributes: unknown attribute "relligion"; expected one of country, .*; did you mean "religion"\?/,
  ],
  "without an attribute, in an evaluation": [
    () => evaluate(undefined, "--by", "contry"),
    /by: unknown attribute "contry"; expected one of country, .*; did you mean "country"\?/,
  ],
  "with a text for an integer, in an evaluation": [
    () => evaluate(undefined, "--split", "train", "--data", cell(VALUES, 4, 2, "x")().at(-1)!),
    /train_value_qa\.tsv:4: Q1: expected an integer or nothing; found "x"/,
  ],
  "of another survey": [
    () => ["data", "wvb", "--wvs", join(goodData, VALUES), "--metadata", goodData, "--out", fresh("out")],
    /train_value_qa\.tsv:1: expected the columns D_INTERVIEW, B_COUNTRY, .*; found 1 column/,
  ],
  "of no survey": [
    () => ["data", "wvb", "--wvs", fresh("wvs.csv"), "--metadata", goodData, "--out", fresh("out")],
    /wvs\.csv: cannot be read: there is no such file/,
  ],
  "in predictions without scores": [
    () => predictions("QUESTION_ID\tPARTICIPANT_ID\nQ1\t1\n"),
    /predictions\.tsv: header: expected the columns QUESTION_ID, PARTICIPANT_ID, SCORE; found QUESTION_ID, PARTICIPANT_ID/,
  ],
  "in predictions of nobody": [
    () => predictions("QUESTION_ID\tPARTICIPANT_ID\tSCORE\nQ1\t1\t2\n"),
    /predictions\.tsv: expected predictions for people with an answer; none of 1 has one/,
  ],
});
