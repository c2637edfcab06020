import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveModel } from "../../src/core/checkpoint/resolve.ts";
import { COMMIT, FakeHub, weights } from "../support/fakeHub.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-hub-"));
let hub: FakeHub;
let hubUrl: string;
let cache: string;

beforeEach(async () => {
  hub = new FakeHub();
  hubUrl = await hub.start();
  cache = mkdtempSync(join(root, "cache"));
  const none = [
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
  ];
  for (const name of [...none, "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"]) {
    vi.stubEnv(name, "");
  }
  vi.stubEnv("HF_HOME", join(cache, "home"));
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_ENDPOINT", hubUrl);
});
afterEach(() => {
  hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true }));

const isWeights = (url: string): boolean => url.endsWith("/model.safetensors");
const weightsOf = (folder: string): Buffer => readFileSync(join(folder, "model.safetensors"));
const blobs = (): string[] => readdirSync(join(cache, "models--org--name", "blobs"));

/** Writes for ever, as fast as the reader takes it. */
function pour(response: ServerResponse, chunk: string | Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

describe("what a hub sends is bounded", () => {
  test("a file stops at the size that was promised", async () => {
    hub.instead = (url, response) => {
      if (!isWeights(url)) return false;
      response.writeHead(200);
      response.write(weights);
      pour(response, Buffer.alloc(65_536));
      return true;
    };
    const { folder } = await resolveModel("org/name");
    expect(weightsOf(folder).equals(weights)).toBe(true);
  });

  test("a packed file that unpacks to something else is refused at that size", async () => {
    hub.instead = (url, response) => {
      if (!isWeights(url)) return false;
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(50_000_000)));
      return true;
    };
    await expect(resolveModel("org/name")).rejects.toThrow(
      /expected 200000 bytes with hash .*, the hub sent 200000 with/,
    );
    expect(blobs().filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  test("so are its other answers", async () => {
    hub.instead = (url, response) => {
      if (!url.includes("/tree/")) return false;
      response.writeHead(200, { "content-type": "application/json" });
      response.write("[");
      pour(response, " ".repeat(65_536));
      return true;
    };
    await expect(resolveModel("org/name")).rejects.toThrow(/the answer has more than 20\.0 MB/);
  });

  test("and the pages of a list", async () => {
    hub.instead = (url, response) => {
      if (!url.includes("/tree/")) return false;
      response.writeHead(200, { link: `<${hubUrl}${url}>; rel="next"` }).end("[]");
      return true;
    };
    await expect(resolveModel("org/name")).rejects.toThrow(/the list of files has more than 200 pages/);
  });

  test("answers of another shape are refused by name", async () => {
    for (const [body, message] of [
      ["<html>", /the answer is not JSON/],
      ['{"sha": "../../x"}', /unexpected answer: "sha": .*found "\.\.\/\.\.\/x"/],
      ["null", /unexpected answer: .*found null/],
    ] as const) {
      hub.instead = (_, response) => Boolean(response.end(body));
      await expect(resolveModel("org/name")).rejects.toThrow(message);
    }
  });

  test("progress comes at a human rate", async () => {
    const lines: string[] = [];
    hub.instead = (url, response) => {
      if (!isWeights(url)) return false;
      response.writeHead(200);
      for (let at = 0; at < weights.length; at += 1000) response.write(weights.subarray(at, at + 1000));
      response.end();
      return true;
    };
    await resolveModel("org/name", { onProgress: (line) => lines.push(line) });
    expect(lines.filter((line) => line.includes("model.safetensors")).length).toBeLessThanOrEqual(3);
  });
});

describe("the token goes to the hub alone", () => {
  let other: FakeHub;
  let otherUrl: string;
  beforeEach(async () => {
    other = new FakeHub();
    otherUrl = await other.start();
    vi.stubEnv("HF_TOKEN", "hf_secret");
  });
  afterEach(() => {
    other.stop();
  });

  test("not to where a list goes on: mirrors hand on links to the public hub", async () => {
    const all = hub.tree();
    hub.instead = (url, response) => {
      if (!url.includes("/tree/")) return false;
      const second = url.includes("cursor");
      const link = { link: `<${otherUrl}${url}&cursor=2>; rel="next"` };
      response.writeHead(200, second ? {} : link).end(JSON.stringify(second ? all.slice(3) : all.slice(0, 3)));
      return true;
    };
    const { folder } = await resolveModel("org/name");
    expect(weightsOf(folder).equals(weights)).toBe(true);
    expect([...hub.tokens]).toEqual(["Bearer hf_secret"]);
    expect(other.tokens.size).toBe(0);
  });

  test("not to where a file is redirected", async () => {
    hub.instead = (url, response) => {
      if (!isWeights(url)) return false;
      response.writeHead(302, { location: `${otherUrl}${url}`, "x-cache": "Hit from cloudfront" }).end();
      return true;
    };
    await resolveModel("org/name");
    expect(other.contents).toEqual(["model.safetensors"]);
    expect([...other.tokens]).toEqual([undefined]);
  });
});

describe("the token is the user's", () => {
  const asked = async (): Promise<(string | undefined)[]> => {
    await resolveModel("org/name");
    return [...hub.tokens];
  };
  const store = (path: string, token: string): void => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, token);
  };

  test("as hf auth login stores it", async () => {
    store(join(cache, "home", "token"), "hf_stored\n");
    expect(await asked()).toEqual(["Bearer hf_stored"]);
  });

  test("in the file that HF_TOKEN_PATH names", async () => {
    store(join(cache, "home", "token"), "hf_stored");
    store(join(cache, "mine"), "hf_mine");
    vi.stubEnv("HF_TOKEN_PATH", join(cache, "mine"));
    expect(await asked()).toEqual(["Bearer hf_mine"]);
  });

  test("in the environment first, of any shape", async () => {
    store(join(cache, "home", "token"), "hf_stored");
    vi.stubEnv("HUGGING_FACE_HUB_TOKEN", " company:token/42==\n");
    expect(await asked()).toEqual(["Bearer company:token/42=="]);
    vi.stubEnv("HF_TOKEN", "hf_first");
    hub.tokens.clear();
    await expect(resolveModel("org/none")).rejects.toThrow("the hub refuses");
    expect([...hub.tokens]).toEqual(["Bearer hf_first"]);
  });

  test("not sent where the user wants none sent", async () => {
    vi.stubEnv("HF_TOKEN", "hf_first");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    expect(await asked()).toEqual([undefined]);
  });

  test("and what cannot be one is not shown", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret\r\nX-Other: 1");
    await expect(resolveModel("org/name")).rejects.toThrow(
      /^HF_TOKEN: expected a token of one word; found something else$/,
    );
  });
});

describe("what may pass is tried again", () => {
  test("refusals of a busy hub, after the pause that it asks for", async () => {
    const refusals = [503, 429, 500, 502];
    hub.instead = (url, response) => {
      const status = url.includes("/tree/") || isWeights(url) ? refusals.shift() : undefined;
      if (status === undefined) return false;
      response.writeHead(status, { "retry-after": "0" }).end();
      return true;
    };
    const { folder } = await resolveModel("org/name");
    expect(weightsOf(folder).equals(weights)).toBe(true);
    expect(refusals).toEqual([]);
  });

  test("a bounded number of times", async () => {
    let times = 0;
    hub.instead = (_, response) => {
      times++;
      response.writeHead(503, { "retry-after": "0" }).end('{"error": "overloaded"}');
      return true;
    };
    await expect(resolveModel("org/name")).rejects.toThrow("the hub refuses: overloaded (503)");
    expect(times).toBe(5);
  });

  test("not refusals that are meant", async () => {
    let times = 0;
    hub.instead = (_, response) => {
      times++;
      response.writeHead(404).end();
      return true;
    };
    await expect(resolveModel("org/name")).rejects.toThrow(/the hub refuses: Not Found \(404\)/);
    expect(times).toBe(1);
  });

  test("answers that stall, before or in their body; what has come is kept", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.3");
    const stalls = ["headers", "body"];
    hub.instead = (url, response) => {
      const stall = isWeights(url) ? stalls.shift() : undefined;
      if (stall === "body") response.writeHead(200).write(weights.subarray(0, 90_000));
      return stall !== undefined;
    };
    const { folder } = await resolveModel("org/name");
    expect(weightsOf(folder).equals(weights)).toBe(true);
    expect(hub.contents.at(-1)).toBe("model.safetensors from 90000");
  });

  test("from the start, where the hub gives no parts", async () => {
    let times = 0;
    hub.instead = (url, response) => {
      if (!isWeights(url)) return false;
      if (times++ > 0) response.writeHead(200).end(weights);
      else response.writeHead(200).write(weights.subarray(0, 90_000), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    expect(weightsOf((await resolveModel("org/name")).folder).equals(weights)).toBe(true);
  });
});

test("two first uses at once: one downloads, the other waits and goes on", async () => {
  const lines: string[] = [];
  const onProgress = (line: string): void => void lines.push(line);
  const found = await Promise.all([resolveModel("org/name", { onProgress }), resolveModel("org/name", { onProgress })]);
  expect(found[0]).toEqual(found[1]);
  expect(hub.contents.filter((path) => path === "model.safetensors")).toHaveLength(1);
  expect(lines.filter((line) => line.includes("waiting for the process that downloads it"))).toHaveLength(1);
});

test("what the user has not named is not downloaded, but used where it is", async () => {
  const namedBy = "the adapter runs/x";
  await expect(resolveModel("org/name", { namedBy })).rejects.toThrow(
    `is not in the cache ${cache}, and is named by the adapter runs/x only; give --encoder org/name to have it downloaded`,
  );
  expect(hub.tokens.size).toBe(0);
  await resolveModel("org/name");
  expect((await resolveModel("org/name", { namedBy })).revision).toBe(COMMIT);
});

describe("the environment", () => {
  /** Forwards everything to the hub, whatever its name, and notes what it was asked for. */
  class Proxy {
    readonly asked: string[] = [];
    private readonly server: Server;

    constructor() {
      const { port } = new URL(hubUrl);
      this.server = createServer((request, response) => {
        this.asked.push(new URL(request.url!).host);
        const { pathname, search } = new URL(request.url!);
        const forward = ask({ port, path: pathname + search, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        });
        request.pipe(forward);
      });
      this.server.on("connect", (request, client) => {
        this.asked.push(request.url!);
        const upstream = connect(Number(port), "127.0.0.1", () => {
          client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
          upstream.pipe(client).pipe(upstream);
        });
        for (const socket of [upstream, client]) socket.on("error", () => socket.destroy());
      });
    }

    async start(): Promise<string> {
      await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
      return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    stop(): void {
      this.server.closeAllConnections();
      this.server.close();
    }
  }

  test("names proxies, and hosts that need none", async () => {
    const proxy = new Proxy();
    const address = await proxy.start();
    try {
      vi.stubEnv("HF_ENDPOINT", "http://hub.invalid");
      vi.stubEnv("HTTP_PROXY", address);
      const { folder } = await resolveModel("org/name");
      expect(weightsOf(folder).equals(weights)).toBe(true);
      expect(new Set(proxy.asked)).toEqual(new Set([expect.stringMatching(/^hub\.invalid(:80)?$/)]));
      proxy.asked.length = 0;
      vi.stubEnv("HF_ENDPOINT", hubUrl);
      vi.stubEnv("NO_PROXY", "example.org,127.0.0.1");
      await resolveModel("org/name", { revision: "v1.0" });
      expect(proxy.asked).toEqual([]);
      vi.stubEnv("HTTP_PROXY", "not an address");
      await expect(resolveModel("org/name", { revision: "v2" })).rejects.toThrow(
        "HTTP_PROXY: expected the address of a proxy",
      );
    } finally {
      proxy.stop();
    }
  });

  test("says where the cache is", async () => {
    vi.stubEnv("HF_HUB_CACHE", "");
    await resolveModel("org/name");
    expect(existsSync(join(cache, "home", "hub", "models--org--name"))).toBe(true);
    vi.stubEnv("HF_HOME", "");
    vi.stubEnv("XDG_CACHE_HOME", join(cache, "xdg"));
    await resolveModel("org/name");
    expect(existsSync(join(cache, "xdg", "huggingface", "hub", "models--org--name"))).toBe(true);
    vi.stubEnv("HF_HUB_CACHE", "~/cache-of-mine");
    vi.stubEnv("HOME", join(cache, "user"));
    await resolveModel("org/name");
    expect(existsSync(join(cache, "user", "cache-of-mine", "models--org--name"))).toBe(true);
  });

  test.each([
    ["HF_ENDPOINT", "huggingface.co", 'HF_ENDPOINT: expected the address of a hub, such as "https://huggingface.co"'],
    ["HF_HUB_DOWNLOAD_TIMEOUT", "soon", 'HF_HUB_DOWNLOAD_TIMEOUT: expected a number of seconds; found "soon"'],
  ])("%s=%s is refused", async (name, value, message) => {
    vi.stubEnv(name, value);
    await expect(resolveModel("org/name")).rejects.toThrow(message);
    expect(hub.tokens.size).toBe(0);
  });
});
