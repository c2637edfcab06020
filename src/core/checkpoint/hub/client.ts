import type * as UndiciModule from "undici";
import type { Dispatcher, Response } from "undici";
import { z } from "zod";
import { CumaError, describeIssue, excerpt, formatBytes, messageOf } from "../../util/index.ts";
import { HubError, retrying } from "./retry.ts";
import { hubTimeout, proxies } from "./settings.ts";

type Undici = typeof UndiciModule;

const MAX_ANSWER_BYTES = 20_000_000;
/** Of a list of files; a page has up to 1,000. */
const MAX_PAGES = 200;

/** A file of a repository: its SHA-256 is known where it is stored apart (LFS), else its git hash. */
export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  readonly hash: string;
  readonly isLfs: boolean;
}

/** Content of a file from a byte on. */
export interface Content {
  readonly start: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const size = z.int().nonnegative();
const hash = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const infoSchema = z.looseObject({ sha: z.string().regex(/^[0-9a-f]{40}$/) });
const treeSchema = z.array(
  z.looseObject({
    type: z.string(),
    path: z.string(),
    size: size.optional(),
    oid: z.string().optional(),
    lfs: z.looseObject({ oid: hash, size }).nullish(),
  }),
);
const refusalSchema = z.looseObject({ error: z.string() });

/**
 * Asks a hub about one model. The token goes to the hub's own origin and nowhere else, answers are bounded, and what may
 * pass is asked again.
 */
export class HubClient {
  private readonly undici: Undici;
  private readonly dispatcher: Dispatcher;
  private readonly endpoint: string;
  private readonly model: string;
  private readonly token: string | undefined;

  private constructor(undici: Undici, endpoint: string, model: string, token: string | undefined) {
    this.undici = undici;
    this.endpoint = endpoint;
    this.model = model;
    this.token = token;
    const timeout = hubTimeout();
    this.dispatcher = new undici.EnvHttpProxyAgent({
      ...proxies(),
      connect: { timeout },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
  }

  /** @param endpoint Address of the hub, without a slash at its end. @param model "org/name". */
  static async open(endpoint: string, model: string, token: string | undefined): Promise<HubClient> {
    return new HubClient(await import("undici"), endpoint, model, token);
  }

  close(): Promise<void> {
    return this.dispatcher.destroy();
  }

  /** The commit of a branch, a tag or a commit. */
  async commit(revision: string): Promise<string> {
    const url = `${this.endpoint}/api/models/${this.model}/revision/${encodeURIComponent(revision)}?expand=sha`;
    return (await this.json(url, infoSchema)).body.sha;
  }

  /** All files of a commit, by path. */
  async files(commit: string): Promise<Map<string, RemoteFile>> {
    const found = new Map<string, RemoteFile>();
    let url: string | undefined = `${this.endpoint}/api/models/${this.model}/tree/${commit}?recursive=true`;
    for (let pages = 0; url !== undefined; pages++) {
      if (pages === MAX_PAGES)
        throw new CumaError(`${this.endpoint}: the list of files has more than ${MAX_PAGES} pages`);
      const { body, link }: { body: z.infer<typeof treeSchema>; link: string | null } = await this.json(
        url,
        treeSchema,
      );
      for (const { type, path, size: bytes = 0, oid, lfs } of body) {
        const known = hash.safeParse(lfs?.oid ?? oid).data;
        if (type !== "file" || known === undefined) continue;
        found.set(path, { path, size: lfs?.size ?? bytes, hash: known, isLfs: !!lfs });
      }
      url = this.nextPage(link);
    }
    return found;
  }

  /** Content of a file from a byte on; from 0 where the hub gives no parts. */
  async content(commit: string, file: RemoteFile, start: number): Promise<Content> {
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    const response = await this.get(`${this.endpoint}/${this.model}/resolve/${commit}/${path}`, {
      "accept-encoding": "identity",
      ...(start > 0 && { range: `bytes=${start}-${file.size - 1}` }),
    });
    if (!response.body) throw new HubError(`${file.path}: the hub sends nothing`, response.status);
    return { start: response.status === 206 ? start : 0, chunks: response.body };
  }

  /** Mirrors hand on links to the public hub: only their path counts. */
  private nextPage(link: string | null): string | undefined {
    const next = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
    if (next === undefined || !URL.canParse(next, this.endpoint)) return undefined;
    const { origin, href, pathname, search } = new URL(next, this.endpoint);
    return origin === new URL(this.endpoint).origin ? href : `${this.endpoint}${pathname}${search}`;
  }

  private json<T>(url: string, schema: z.ZodType<T>): Promise<{ readonly body: T; readonly link: string | null }> {
    return retrying(async () => {
      const response = await this.get(url, { accept: "application/json" });
      const text = await textOf(response, url);
      const json = parseJson(text, url);
      const parsed = schema.safeParse(json);
      if (parsed.success) return { body: parsed.data, link: response.headers.get("link") };
      throw new CumaError(`${excerpt(url)}: unexpected answer: ${describeIssue(parsed.error.issues[0]!, json)}`);
    });
  }

  /** @throws HubError where the hub refuses. */
  private async get(url: string, headers: Record<string, string>): Promise<Response> {
    const response = await this.undici.fetch(url, {
      // Where a redirect leads to another origin, fetch leaves the token out.
      headers: { ...headers, ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }) },
      dispatcher: this.dispatcher,
    });
    if (response.ok) return response;
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    const retryAfter = seconds >= 0 ? 1000 * seconds : undefined;
    throw new HubError(await refusalOf(response), response.status, retryAfter);
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = await textOf(response, response.url).catch(() => "");
  let said = response.statusText;
  try {
    said = refusalSchema.parse(JSON.parse(text)).error;
  } catch {
    // A page for people.
  }
  return `${excerpt(said, 300)} (${response.status})`;
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CumaError(`${excerpt(url)}: the answer is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new CumaError(`${excerpt(url)}: the answer has more than ${formatBytes(MAX_ANSWER_BYTES)}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
