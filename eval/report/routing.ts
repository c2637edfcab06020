import { count as counted, largest } from "../../src/core/util/index.ts";
import type { Markup } from "./html.ts";
import { html, join, text } from "./html.ts";
import { ROUTING_HEAD, routingNumbers, routingRow } from "./routingNumbers.ts";
import { heatKey, plane, smallHeatMap, treeAndHeatMap } from "./routingPlots.ts";
import type { Topology } from "../../router/index.ts";
import type { Report } from "./types.ts";

/** How groups use experts: shares, likeness of groups as a tree and on a plane, and how much profiles decide. */
export async function routing({ routings }: Report): Promise<Markup | null> {
  if (routings.length === 0) return null;
  const parts = await Promise.all(routings.map(({ name, topology }, i) => oneRouting(name, topology, i)));
  return join(parts);
}

async function oneRouting(name: string, topology: Topology, index: number): Promise<Markup> {
  const most = largest(topology.usage.flat());
  const mostByRouter = largest(topology.routers.map(({ usage }) => largest(usage.map(largest))));
  const sorted = [...topology.routers].sort((a, b) => a.layer - b.layer);
  const byRouter = sorted.map(
    ({ router, layer, usage }, r) =>
      html`<figure>
        ${smallHeatMap(`routing-${index}-${r}`, router, layer, usage, topology.clustering.order, mostByRouter)}
        <figcaption>layer ${layer}<br />${text(router, 60)}</figcaption>
      </figure>`,
  );
  return html`<h3>${text(name)}</h3>
    <div class="charts">
      <figure>
        ${treeAndHeatMap(`routing-${index}-usage`, topology, most)}
        <figcaption>
          Use of experts by group, mean over routers, rows in the order of the tree of likeness (distances between the
          groups' routing). ${heatKey(most)}
        </figcaption>
      </figure>
      <figure>
        ${await plane(`routing-${index}-plane`, topology)}
        <figcaption>
          Groups on a plane: those that are routed alike lie near each other. Numbers are the rows beside the tree.
        </figcaption>
      </figure>
    </div>
    ${numbersTable(topology)}
    <details>
      <summary>By router <small>${counted(sorted.length, "router")}, groups in the same order</small></summary>
      <p>${heatKey(mostByRouter)}</p>
      <div class="charts small">${byRouter}</div>
    </details>`;
}

function numbersTable(topology: Topology): Markup {
  const rows = routingNumbers(topology).map(routingRow);
  if (rows.length === 0) return html``;
  return html`<div class="scroll" tabindex="0">
    <table>
      <thead>
        <tr>
          ${ROUTING_HEAD.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([what, ...cells]) =>
            html`<tr>
              <th scope="row">${text(what)}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
