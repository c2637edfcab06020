import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { inPlaceOfOld, intoFile, makeFolder, OutFolder, putBack, type OutMode } from "../../src/core/io/index.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("output");

let made = 0;
type Files = Readonly<Record<string, string>>;
function folderOf(files: Files): string {
  const folder = join(root, String(made++));
  mkdirSync(folder);
  write(folder, files);
  return folder;
}
function write(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a folder", () => {
  const kind = {
    ours: (folder: string) =>
      ["a.txt", "b.txt", "sub/c.txt", "done.txt"].filter((name) => existsSync(join(folder, name))),
    last: "done.txt",
  };
  const OLD = { "a.txt": "old", "b.txt": "old", "sub/c.txt": "old", "done.txt": "old" };
  const MINE = { "notes.txt": "mine", "sub/mine.txt": "mine" };
  const NEW = { "a.txt": "new", "other/d.txt": "new", "done.txt": "new" };
  const take = (path: string, mode: OutMode): OutFolder => OutFolder.take(path, mode, kind);

  test("is exchanged when the new result is complete, but for what is not ours", () => {
    const path = folderOf({ ...OLD, ...MINE });
    const folder = take(path, "overwrite");
    folder.begin();
    write(folder.dir, NEW);
    expect(contents(path)).toMatchObject({ ...OLD, ...MINE });
    folder.complete();
    folder.release();
    expect(contents(path)).toEqual({ ...NEW, ...MINE });
  });

  test("stays as it was where the new result does not come to be, which can be gone on with", () => {
    const path = folderOf(OLD);
    const failed = take(path, "overwrite");
    failed.release();
    expect(contents(path)).toEqual(OLD);
    const stopped = take(path, "overwrite");
    stopped.begin();
    write(stopped.dir, { "a.txt": "half" });
    stopped.release();
    expect(contents(path)).toMatchObject(OLD);
    const resumed = take(path, "resume");
    resumed.begin();
    expect(contents(resumed.dir)).toEqual({ "a.txt": "half" });
    write(resumed.dir, NEW);
    resumed.complete();
    resumed.release();
    expect(contents(path)).toEqual(NEW);
  });

  test("is exchanged to the end by the next one that takes it, wherever it stopped", () => {
    const states: Files[] = [
      { ...OLD, ...MINE, ...under(".cuma-replacing", NEW) },
      { "b.txt": "old", ...MINE, ...under(".cuma-replacing", NEW) },
      { ...MINE, ...under(".cuma-moving", NEW) },
      { "a.txt": "new", ...MINE, ...under(".cuma-moving", { "other/d.txt": "new", "done.txt": "new" }) },
      { ...NEW, ...MINE, ".cuma-removed/sub/x": "half removed", [`.cuma-${"0".repeat(16)}-7.tmp`]: "half written" },
    ];
    for (const state of states) {
      const path = folderOf(state);
      take(path, "resume").release();
      expect(contents(path)).toEqual({ ...NEW, ...MINE });
    }
    mkdirSync(join(root, "emptied", ".cuma-moving", "other"), { recursive: true });
    take(join(root, "emptied"), "new").release();
    expect(readdirSync(join(root, "emptied"))).toEqual([]);
  });

  test("of the user's where a file must go is found while the old result is there", () => {
    const path = folderOf({ ...OLD, "other/d.txt/thesis.tex": "mine" });
    const folder = take(path, "overwrite");
    folder.begin();
    write(folder.dir, NEW);
    expect(() => {
      folder.complete();
    }).toThrow(`${join(path, "other/d.txt")}: cannot be written: it is a folder`);
    folder.release();
    expect(contents(path)).toMatchObject({ ...OLD, "other/d.txt/thesis.tex": "mine" });
  });

  test("may not be what is read", () => {
    const path = folderOf(OLD);
    const link = join(root, "link");
    symlinkSync(join(path, "a.txt"), link);
    expect(() => OutFolder.take(path, "overwrite", { ...kind, inputs: [link] })).toThrow(`${link} is read`);
  });

  test("that is moved while it is used is noticed", () => {
    const path = folderOf({});
    const folder = take(path, "new");
    renameSync(path, `${path}-moved`);
    mkdirSync(path);
    expect(() => {
      folder.check();
    }).toThrow(`${path}: is no longer this run's`);
    folder.release();
  });

  test.each([
    ["a name of 256 characters", () => join(root, "x".repeat(256)), "the name is too long"],
    [
      "a path with no room for what is made inside",
      () => join(root, `${"x".repeat(200)}/`.repeat(20)),
      "the name is too long",
    ],
  ])("of %s is refused", (_, path, why) => {
    expect(() => take(path(), "new")).toThrow(why);
  });

  test.skipIf(!existsSync("/proc/self"))("is not made where there can be none", () => {
    expect(() => {
      makeFolder("/proc/cuma/run");
    }).toThrow("/proc/cuma/run: cannot be made");
  });

  const under = (folder: string, files: Files): Files =>
    Object.fromEntries(Object.entries(files).map(([name, content]) => [join(folder, name), content]));
});

describe("results made in the place of old ones", () => {
  const names = ["data", "report.html"];
  const isOurs = (path: string): boolean => ["data/x.tsv", "report.html"].includes(path);
  const OLD = { "data/x.tsv": "old", "report.html": "old" };
  const make = (path: string, files: Files) => () => {
    write(path, files);
    return Promise.resolve("made");
  };

  test("take it when they are complete, and leave what is not theirs", async () => {
    const path = folderOf({ ...OLD, "notes.txt": "mine" });
    expect(await inPlaceOfOld(path, names, isOurs, make(path, { "data/x.tsv": "new" }))).toBe("made");
    expect(contents(path)).toEqual({ "data/x.tsv": "new", "notes.txt": "mine" });
  });

  test("go where they fail, and the old ones are there again", async () => {
    const path = folderOf({ ...OLD, "notes.txt": "mine" });
    const failing = () => {
      write(path, { "data/x.tsv": "new", "data/y.tsv": "new" });
      return Promise.reject(new Error("no room"));
    };
    await expect(inPlaceOfOld(path, names, isOurs, failing)).rejects.toThrow("no room");
    expect(contents(path)).toEqual({ ...OLD, "notes.txt": "mine" });
  });

  test("are put back by the next start, wherever the process died", () => {
    const states: Files[] = [
      { ".cuma-moving-old/data/x.tsv": "old", "report.html": "old" },
      { ".cuma-old/data/x.tsv": "old", ".cuma-old/report.html": "old", "data/x.tsv": "new", "data/y.tsv": "new" },
      { ".cuma-moving-old/report.html": "old", "data/x.tsv": "old" },
    ];
    for (const state of states) {
      const path = folderOf(state);
      putBack(path, names);
      expect(contents(path)).toEqual(OLD);
      putBack(path, names);
      expect(contents(path)).toEqual(OLD);
    }
  });

  test("do not take folders of the user's that have their names", async () => {
    const before = { ...OLD, "data/thesis.tex": "mine" };
    const path = folderOf(before);
    await expect(inPlaceOfOld(path, names, isOurs, make(path, {}))).rejects.toThrow(
      `${join(path, "data/thesis.tex")}: no command has written this here`,
    );
    expect(contents(path)).toEqual(before);
  });
});

describe("a file", () => {
  const put = (path: string, text: string, overwrite = true, inputs: string[] = []): Promise<string> =>
    intoFile(path, { overwrite, inputs }, () => Promise.resolve(text), bytes);

  test("is written whole, and leaves nothing beside it", async () => {
    const folder = folderOf({ [`.cuma-${"0".repeat(16)}-7.tmp`]: "of another file" });
    await put(join(folder, "sub", "a.json"), "new");
    expect(contents(join(folder, "sub"))).toEqual({ "a.json": "new" });
  });

  test("a name as long as names can be is not too long", async () => {
    const path = join(folderOf({}), "x".repeat(250));
    await put(path, "new", false);
    expect(readFileSync(path, "utf8")).toBe("new");
    await expect(put(join(dirname(path), "x".repeat(256)), "new")).rejects.toThrow("the name is too long");
  });

  test("keeps its permissions", async () => {
    const path = join(folderOf({ "a.json": "old" }), "a.json");
    chmodSync(path, 0o600);
    await put(path, "new");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("behind a symbolic link is written, and the link stays; also where it is not there yet", async () => {
    const folder = folderOf({ "a.json": "old" });
    for (const name of ["a.json", "b.json"]) {
      const link = join(folder, `link to ${name}`);
      symlinkSync(name, link);
      await put(link, "new");
      expect(readlinkSync(link)).toBe(name);
      expect(readFileSync(join(folder, name), "utf8")).toBe("new");
    }
  });

  test.skipIf(!existsSync("/dev/null"))("that is a device, or a folder, is refused", async () => {
    await expect(put("/dev/null", "new")).rejects.toThrow("/dev/null: it is a device; expected a file to write");
    expect(statSync("/dev/null").isFile()).toBe(false);
    await expect(put(root, "new")).rejects.toThrow(`${root}: it is a folder; expected a file to write`);
  });

  test("that is read is not written, whatever it is called", async () => {
    const folder = folderOf({ "a.json": "old" });
    const path = join(folder, "a.json");
    symlinkSync(path, join(folder, "link"));
    linkSync(path, join(folder, "hard"));
    for (const name of ["link", "hard", "a.json", "../" + relative(root, path)]) {
      await expect(put(join(folder, name), "new", true, [path]), name).rejects.toThrow("is both read");
    }
    expect(readFileSync(path, "utf8")).toBe("old");
  });

  test("is one command's at a time, from start to end", async () => {
    const path = join(folderOf({}), "a.json");
    let finish: (text: string) => void = () => undefined;
    const first = intoFile(
      path,
      { overwrite: false, inputs: [] },
      () => new Promise<string>((resolve) => (finish = resolve)),
      bytes,
    );
    await expect(put(path, "second")).rejects.toThrow(`${path}: another run is writing here`);
    finish("first");
    await first;
    expect(readFileSync(path, "utf8")).toBe("first");
  });

  test("that another program has written meanwhile is not replaced unasked", async () => {
    const path = join(folderOf({}), "a.json");
    const make = (): Promise<string> => {
      writeFileSync(path, "other");
      return Promise.resolve("new");
    };
    await expect(intoFile(path, { overwrite: false, inputs: [] }, make, bytes)).rejects.toThrow(
      `${path}: cannot be written: there is such a file by now`,
    );
    expect(contents(dirname(path))).toEqual({ "a.json": "other" });
  });
});
