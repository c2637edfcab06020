import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const weights = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));

export const small: Record<string, Buffer> = Object.fromEntries(
  [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "README.md",
    "pytorch_model.bin",
    "onnx/model.onnx",
    "sub/config.json",
  ].map((path) => [path, Buffer.from(`{"file": "${path}"}`)]),
);

/** A hub that serves one repository, org/name, and what it was asked. */
export class FakeHub {
  files: Record<string, Buffer> = { ...small, "model.safetensors": weights };
  /** Bytes of the weights after which the connection is cut, once for each entry. */
  cuts: number[] = [];
  /** Sent instead of the weights. */
  wrong: Buffer | undefined;
  /** Answers in the hub's place where it gives true. */
  instead: ((url: string, response: ServerResponse, request: IncomingMessage) => boolean) | undefined;
  readonly requests: string[] = [];
  readonly tokens = new Set<string | undefined>();
  private readonly server: Server = createServer((request, response) => this.answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Paths of the files whose content was asked for. */
  get contents(): string[] {
    return this.requests.flatMap((line) => /^content (.*)$/.exec(line)?.[1] ?? []);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.tokens.add(request.headers.authorization);
    const url = decodeURIComponent(request.url!);
    if (this.instead?.(url, response, request)) return;
    const json = (body: unknown, status = 200): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (url.startsWith("/api/models/org/gated")) {
      json({ error: "Access is restricted" }, 403);
      return;
    }
    if (/^\/api\/models\/org\/name\/revision\/(main|v1\.0)\?/.test(url)) {
      json({ _id: "1", id: "org/name", sha: COMMIT, lastModified: "2024-01-01" });
      return;
    }
    if (url.startsWith(`/api/models/org/name/tree/${COMMIT}?`)) {
      json(this.tree());
      return;
    }
    const path = url.slice(`/org/name/resolve/${COMMIT}/`.length);
    const file = this.files[path];
    if (!url.startsWith(`/org/name/resolve/${COMMIT}/`) || !file) {
      json({ error: "Repository not found" }, 404);
      return;
    }
    this.send(path, file, request.headers.range, response);
  }

  /** The list of files. */
  tree(): object[] {
    return Object.entries(this.files).map(([path, content]) => {
      const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
      const sha256 = createHash("sha256").update(content).digest("hex");
      const lfs = path.endsWith(".safetensors") && { lfs: { oid: sha256, size: content.length, pointerSize: 130 } };
      return { type: "file", path, oid, size: content.length, ...lfs };
    });
  }

  private send(path: string, file: Buffer, range: string | undefined, response: ServerResponse): void {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const [start, end] = [Number(from ?? 0), Number(to ?? file.length - 1)];
    this.requests.push(`content ${path}${start > 0 ? ` from ${start}` : ""}`);
    const content = path === "model.safetensors" && this.wrong ? this.wrong : file.subarray(start, end + 1);
    response.writeHead(range ? 206 : 200, {
      etag: '"etag"',
      "content-length": content.length,
      "content-range": `bytes ${start}-${end}/${file.length}`,
    });
    const cut = path === "model.safetensors" ? this.cuts.shift() : undefined;
    if (cut === undefined) response.end(content);
    else response.write(content.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
  }
}
