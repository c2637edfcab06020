/** What the environment says about the hub, by the names that Hugging Face's own tools use. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, expandHome, readText } from "../../io/index.ts";
import { CumaError, show } from "../../util/index.ts";

const PUBLIC_HUB = "https://huggingface.co";
const MAX_TOKEN_BYTES = 10_000;
const TIMEOUT_SECONDS = 30;

/** `HF_HUB_CACHE`, or `hub` in `HF_HOME` or ~/.cache/huggingface. */
export function hubCache(): string {
  const chosen = process.env["HF_HUB_CACHE"] || process.env["HUGGINGFACE_HUB_CACHE"];
  return chosen ? expandHome(chosen) : join(hubHome(), "hub");
}

/** Whether `HF_HUB_OFFLINE` forbids the network. */
export function isOffline(): boolean {
  return isOn("HF_HUB_OFFLINE");
}

/** Address of the hub without a slash at its end: `HF_ENDPOINT`, or the public one. */
export function hubEndpoint(): string {
  const given = process.env["HF_ENDPOINT"] || PUBLIC_HUB;
  if (isHttp(given)) return given.replace(/\/+$/, "");
  throw new CumaError(`HF_ENDPOINT: expected the address of a hub, such as "${PUBLIC_HUB}"; found ${show(given)}`);
}

/**
 * The user's token: `HF_TOKEN`, or what `hf auth login` has stored; none where `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
 * @throws CumaError where it cannot stand in a request; the message does not show it.
 */
export function hubToken(): string | undefined {
  if (isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return undefined;
  const file = expandHome(process.env["HF_TOKEN_PATH"] || join(hubHome(), "token"));
  const sources: [string, () => string | undefined][] = [
    ["HF_TOKEN", () => process.env["HF_TOKEN"]],
    ["HUGGING_FACE_HUB_TOKEN", () => process.env["HUGGING_FACE_HUB_TOKEN"]],
    [file, () => (existsSync(file) ? readText(file, MAX_TOKEN_BYTES) : undefined)],
  ];
  for (const [source, read] of sources) {
    const token = read()?.trim() ?? "";
    if (token === "") continue;
    if (/^[\x21-\x7e]+$/.test(token)) return token;
    throw new CumaError(`${source}: expected a token of one word; found something else`);
  }
  return undefined;
}

/** Milliseconds without an answer, or without a byte of it, after which a connection is given up: `HF_HUB_DOWNLOAD_TIMEOUT`. */
export function hubTimeout(): number {
  const given = process.env["HF_HUB_DOWNLOAD_TIMEOUT"] || String(TIMEOUT_SECONDS);
  const seconds = Number(given);
  if (seconds > 0 && seconds < 1e6) return 1000 * seconds;
  throw new CumaError(`HF_HUB_DOWNLOAD_TIMEOUT: expected a number of seconds; found ${show(given)}`);
}

/** Proxies for http and https, and the hosts that are asked without them. */
export function proxies(): { readonly httpProxy?: string; readonly httpsProxy?: string; readonly noProxy: string } {
  const [http, https] = [proxy("HTTP_PROXY"), proxy("HTTPS_PROXY")];
  return {
    ...(http && { httpProxy: http }),
    ...(https && { httpsProxy: https }),
    noProxy: variable("NO_PROXY") ?? "",
  };
}

function proxy(name: string): string | undefined {
  const given = variable(name);
  if (given === undefined) return undefined;
  const address = given.includes("://") ? given : `http://${given}`;
  if (isHttp(address)) return address;
  throw new CumaError(`${name}: expected the address of a proxy, such as "http://proxy:3128"`);
}

/** Names of proxies are written in either case. */
function variable(name: string): string | undefined {
  return process.env[name.toLowerCase()] || process.env[name] || undefined;
}

function isHttp(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

function hubHome(): string {
  const chosen = process.env["HF_HOME"];
  return chosen ? expandHome(chosen) : join(cacheFolder(), "huggingface");
}

function isOn(name: string): boolean {
  return /^(1|true|yes|on)$/i.test(process.env[name] ?? "");
}
