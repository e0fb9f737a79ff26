// A model's lineage as a drawing: a column a kind, what flows in on the left; and the same as text.

import { h, s } from "./dom.js";

const COLUMNS = ["data_source", "feature_view", "feature_service", "model", "alias", "serving_application"];
const LETTER = 7.3; // px a letter of the drawing's font takes at most
const ROW = 44;
const BOX = 28;
const GAP = 56;
const TOP = 26;
const LANE = 9; // px between edges that lead past columns

/** The drawing of `{nodes, edges}` around `own`, with its text. */
export function drawing({ nodes, edges }, own) {
  const places = placed(nodes);
  const width = Math.max(...[...places.values()].map((place) => place.x + place.width)) + 2;
  const bottom = Math.max(...[...places.values()].map((place) => place.y + BOX));
  const far = edges.filter(([from, to]) => places.get(to).column - places.get(from).column > 1);
  const lane = (edge) => bottom + LANE * (far.indexOf(edge) + 1);
  const height = bottom + LANE * (far.length + 1);
  const titles = COLUMNS.map((kind) => [kind, nodes.find((node) => node.kind === kind)]).filter(([, node]) => node)
    .map(([kind, node]) => s("text", { class: "kind", x: places.get(node.id).x, y: 14 }, words(kind)));
  const svg = s("svg", { class: "lineage", role: "img", "aria-labelledby": "lineage-words", viewBox: `0 0 ${width} ${height}`, width, height },
    edges.map((edge) => s("path", { d: (far.includes(edge) ? detour : curve)(...edge.map((id) => places.get(id)), lane(edge)),
      class: edge.includes(own) ? "own" : null })),
    titles, nodes.map((node) => box(node, places.get(node.id), node.id === own)));
  return h("div", {}, h("p", { class: "unseen", id: "lineage-words" }, `Lineage: ${nodes.length} nodes, ${edges.length} edges; as text below`),
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Drawing of the lineage" }, svg),
    h("details", {}, h("summary", {}, "As text"), h("ul", {}, nodes.map((node) => h("li", {}, `${words(node.kind)} `, h("b", {}, node.name), fed(node, nodes, edges))))));
}

function fed(node, nodes, edges) {
  const from = edges.filter(([, to]) => to === node.id).map(([source]) => nodes.find((each) => each.id === source).name);
  return from.length ? ` from ${from.join(", ")}` : "";
}

/** Where each node is: columns as wide as their longest name, each in the middle of the highest. */
function placed(nodes) {
  const columns = COLUMNS.map((kind) => nodes.filter((node) => node.kind === kind)).filter((column) => column.length);
  const highest = Math.max(...columns.map((column) => column.length));
  const places = new Map();
  let x = 1;
  for (const [number, column] of columns.entries()) {
    const width = Math.max(...column.map((node) => node.name.length), words(column[0].kind).length) * LETTER + 20;
    const top = TOP + (highest - column.length) * ROW / 2;
    column.forEach((node, row) => places.set(node.id, { x, y: top + row * ROW, width, column: number }));
    x += width + GAP;
  }
  return places;
}

function curve(from, to) {
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + BOX / 2, to.x, to.y + BOX / 2];
  const bend = Math.max((x2 - x1) / 2, 20);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** Below everything that lies between: an edge past a node would look as if it led into it. */
function detour(from, to, lane) {
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + BOX / 2, to.x, to.y + BOX / 2];
  const [half, whole] = [GAP / 2, GAP - 6];
  return `M${x1} ${y1}C${x1 + half} ${y1} ${x1 + half} ${lane} ${x1 + whole} ${lane}H${x2 - whole}C${x2 - half} ${lane} ${x2 - half} ${y2} ${x2} ${y2}`;
}

function box(node, { x, y, width }, own) {
  return s("g", { class: own ? "node own" : "node" }, s("title", {}, `${words(node.kind)} ${node.name}`),
    s("rect", { x, y, width, height: BOX, rx: 5 }), s("text", { x: x + 10, y: y + BOX / 2 + 4.5 }, node.name));
}

const words = (kind) => kind.replace(/_/g, " ");
