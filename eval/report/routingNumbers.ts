import { count as counted } from "../../src/core/util/index.ts";
import type { Topology } from "../../router/index.ts";
import { number, pValue } from "../format.ts";
import { cut } from "./html.ts";

/** A number about a routing. */
export interface RoutingNumber {
  readonly metric: string;
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  /** Share of the largest possible value; null where there is no such share. */
  readonly normalised: number | null;
  readonly p: number;
  /** What it rests on: "24 questions"; null where nothing is to be said. */
  readonly of: { readonly n: number; readonly noun: string } | null;
}

/** How much profiles decide: what stands beside a routing's figures. */
export function routingNumbers({ mutualInformation, agreement, mantel }: Topology): RoutingNumber[] {
  return [
    ...Object.entries(mutualInformation).map(([name, found]) => ({
      ...found,
      metric: `mutualInformation.${name}`,
      title: `mutual information of expert and ${cut(name, 60)}`,
      unit: "nats",
      of: null,
    })),
    ...(agreement
      ? [
          {
            metric: "adjustedRand",
            title: "agreement of the tree's clusters with the reference (adjusted Rand index)",
            unit: "1",
            value: agreement.adjustedRand,
            normalised: null,
            p: agreement.p,
            of: { n: new Set(agreement.clusters).size, noun: "cluster" },
          },
        ]
      : []),
    ...(mantel
      ? [
          {
            metric: "mantel",
            title: "correlation of routing distances with answer distances (Mantel)",
            unit: "1",
            value: mantel.r,
            normalised: null,
            p: mantel.p,
            of: { n: mantel.questions, noun: "question" },
          },
        ]
      : []),
  ];
}

/** Head of the table of `routingNumbers`. */
export const ROUTING_HEAD = ["what", "value", "of the most possible", "p", "of"] as const;

/** Its cells. */
export function routingRow({ title, unit, value, normalised, p, of }: RoutingNumber): [string, ...string[]] {
  return [
    unit === "1" ? title : `${title}, ${unit}`,
    number(value),
    normalised === null ? "" : number(normalised),
    pValue(p),
    of ? counted(of.n, of.noun) : "",
  ];
}
