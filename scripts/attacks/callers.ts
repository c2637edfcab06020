/** A small server around one model, asked by many at once: every answer must have the bytes of answers given in turn. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { loadCuma, type Choice, type Cuma } from "../../src/index.ts";
import { cuma } from "./command.ts";

const CALLERS = 32;
/** Questions put in each round, and the rounds of each kind, in turns. */
const QUESTIONS = 192;
const ROUNDS = 5;

/** Asks the demo base, alone and with an adapter whose routers are random; prints answers in a second: the median of the rounds, and their range. */
export async function attackCallers(folder: string): Promise<string[]> {
  const data = join(folder, "data");
  const adapter = join(folder, "adapter");
  cuma(["data", "planted", "--out", data, "--participants", "40", "--questions", "4"]);
  cuma([
    "train",
    "--base",
    "demo",
    "--bench",
    "planted",
    "--data",
    data,
    "--out",
    adapter,
    "--set",
    "train.maxSteps=0",
  ]);
  const faults: string[] = [];
  for (const [what, used] of [["the base", undefined] as const, ["an adapter", adapter] as const]) {
    const { wrong, alone, together } = await compare("demo", used);
    console.log(`${what}: ${spread(alone)} answers/s with 1 caller, ${spread(together)} with ${CALLERS}`);
    if (wrong > 0) faults.push(`${what}: ${wrong} answers differ from those given in turn`);
  }
  return faults;
}

interface Compared {
  /** Answers that differ from the one given in turn. */
  readonly wrong: number;
  /** Answers in a second of each round, with one caller and with `CALLERS`. */
  readonly alone: number[];
  readonly together: number[];
}

async function compare(base: string, adapter: string | undefined): Promise<Compared> {
  const model = await loadCuma({ base, adapter });
  const server = await serve(model);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const choices = questions(model.attributes);
    const expected = await ask(url, choices, 1);
    let wrong = 0;
    const alone: number[] = [];
    const together: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [callers, rates] of [[CALLERS, together] as const, [1, alone] as const]) {
        const { answers, seconds } = await ask(url, choices, callers);
        wrong += answers.filter((answer, i) => answer !== expected.answers[i]).length;
        rates.push(choices.length / seconds);
      }
    }
    return { wrong, alone, together };
  } finally {
    server.close();
    await model.dispose();
  }
}

function spread(rates: readonly number[]): string {
  const sorted = [...rates].sort((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)]!.toFixed(1)} (${sorted[0]!.toFixed(1)} to ${sorted.at(-1)!.toFixed(1)})`;
}

function questions(attributes: readonly string[] | null): Choice[] {
  return Array.from({ length: QUESTIONS }, (_, i) => ({
    profile: Object.fromEntries((attributes ?? ["country", "age"]).map((name, a) => [name, `${name} ${(i + a) % 7}`])),
    question: `How important is matter ${i % 5} in your life?`,
    options: ["Very important", "Rather important", "Not very important", "Not at all important"].slice(0, 2 + (i % 3)),
  }));
}

async function serve(model: Cuma): Promise<Server> {
  const server = createServer((request, response) => {
    void read(request)
      .then((body) => model.answer(JSON.parse(body) as Choice))
      .then((answer) => response.end(JSON.stringify(answer)))
      .catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function read(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk as string;
  return body;
}

/** Puts all questions by so many callers, each with one request at a time. */
async function ask(
  url: string,
  choices: readonly Choice[],
  callers: number,
): Promise<{ readonly answers: string[]; readonly seconds: number }> {
  const answers: string[] = [];
  const begin = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < choices.length) {
      const i = next++;
      const response = await fetch(url, { method: "POST", body: JSON.stringify(choices[i]) });
      answers[i] = await response.text();
      if (!response.ok) throw new Error(answers[i]);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { answers, seconds: (performance.now() - begin) / 1000 };
}
