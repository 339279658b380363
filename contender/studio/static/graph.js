// Lays out the graph of a pipeline, and draws its arrows. The boxes are a list that the server renders, which reads well
// without this too; they are moved to their places once, and what is in them changes under them.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 6;
const LABEL = { width: 38, height: 18 };
let drawn = "";

function made(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

function line(points) {
  const middle = (a, b) => `${(a.x + b.x) / 2} ${(a.y + b.y) / 2}`;
  const [first, ...rest] = points;
  const bends = rest.slice(0, -1).map((point, index) => `Q ${point.x} ${point.y} ${middle(point, rest[index + 1])}`);
  const last = rest[rest.length - 1];
  return `M ${first.x} ${first.y} ${rest.length > 1 ? `L ${middle(first, rest[0])}` : ""} ${bends.join(" ")} L ${last.x} ${last.y}`;
}

function laidOut(boxes, arrows) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ ranksep: 26, nodesep: 22, edgesep: 14, marginx: 6, marginy: 6 });
  for (const [name, box] of boxes) graph.setNode(name, { width: box.offsetWidth, height: box.offsetHeight });
  arrows.forEach((arrow, index) => graph.setEdge(arrow.from, arrow.to, arrow.detail ? { ...LABEL, labelpos: "c" } : {}, `${index}`));
  dagre.layout(graph);
  return graph;
}

// dagre lets arrows run beside the boxes, and outside its own frame.
function frame(graph) {
  const xs = graph.edges().flatMap((edge) => graph.edge(edge).points.map((point) => point.x));
  const { width, height } = graph.graph();
  const left = Math.min(0, ...xs.map((x) => x - MARGIN));
  return { left, width: Math.max(width, ...xs.map((x) => x + MARGIN)) - left, height };
}

function draw(place, boxes, arrows) {
  const svg = place.querySelector("svg.arrows");
  const list = place.querySelector("ol");
  svg.classList.add("drawn"); // from now on the boxes have their size
  const graph = laidOut(boxes, arrows);
  const { left, width, height } = frame(graph);
  svg.setAttribute("viewBox", `${left} 0 ${width} ${height}`);
  list.style.width = svg.style.width = `${width}px`;
  list.style.height = svg.style.height = `${height}px`;
  for (const [name, box] of boxes) {
    const { x, y, width, height } = graph.node(name);
    box.style.left = `${x - left - width / 2}px`;
    box.style.top = `${y - height / 2}px`;
  }
  svg.querySelectorAll("g").forEach((each) => each.remove());
  arrows.forEach((arrow, index) => {
    const edge = graph.edge(arrow.from, arrow.to, `${index}`);
    const group = made("g", { class: `arrow ${arrow.kind}`, "data-to": arrow.to }, svg);
    made("path", { d: line(edge.points), "marker-end": `url(#head-${arrow.kind})` }, group);
    if (!arrow.detail) return;
    made("rect", { x: edge.x - LABEL.width / 2, y: edge.y - LABEL.height / 2, ...LABEL, rx: 4 }, group);
    made("text", { x: edge.x, y: edge.y + 4, "text-anchor": "middle" }, group).textContent = arrow.detail;
  });
}

function show() {
  const place = document.querySelector(".graph");
  const source = place?.querySelector("script[type='application/json']");
  if (!source) return;
  const boxes = new Map([...place.querySelectorAll("[data-step]")].map((box) => [box.dataset.step, box]));
  const known = [...boxes.keys(), source.textContent].join("\n");
  if (known !== drawn) {
    const { arrows } = JSON.parse(source.textContent);
    draw(place, boxes, arrows.filter((arrow) => boxes.has(arrow.from) && boxes.has(arrow.to)));
    drawn = known;
  }
  place.querySelectorAll("g.arrow").forEach((arrow) => {
    arrow.classList.toggle("idle", boxes.get(arrow.dataset.to)?.dataset.status === "Skipped");
  });
}

document.addEventListener("live", show);
show();
