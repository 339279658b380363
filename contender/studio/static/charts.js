// Draws the charts of a page from the JSON beside each, with the page's own colours, by day and by night.
import { expressionInterpreter } from "./vendor/vega-interpreter.js";

const drawn = new WeakMap();
const dark = matchMedia("(prefers-color-scheme: dark)");

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const series = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => of(`--series-${index}`));
  const ink = of("--ink");
  const soft = of("--ink-soft");
  const line = of("--line");
  const state = ["good", "bad", "busy", "asks", "quiet"].map((kind) => of(`--${kind}`)); // in the order of states.MARKS
  return {
    background: null,
    aria: false,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: "normal" },
    legend: { labelColor: ink, titleColor: soft, symbolStrokeWidth: 3, symbolSize: 120 },
    title: { color: ink },
    range: { category: series, ordinal: series, state, ramp: { scheme: "blues" }, heatmap: { scheme: "blues" } },
    rule: { color: soft },
    text: { color: ink },
    mark: { color: series[0], aria: false },
  };
}

async function draw(figure) {
  const place = figure.querySelector(".plot");
  const source = figure.querySelector("script[type='application/json']");
  if (!place || !source) return;
  const before = drawn.get(place);
  if (before && before.text === source.textContent && before.dark === dark.matches) return;
  const view = { text: source.textContent, dark: dark.matches };
  drawn.set(place, view);
  before?.view?.finalize();
  const spec = vegaLite.compile({ ...JSON.parse(view.text), config: colours() }).spec;
  // Vega would say what its container is; the figure says it better, and what is drawn within is told by the table.
  const canvas = document.createElement("div");
  canvas.setAttribute("aria-hidden", "true");
  place.replaceChildren(canvas);
  view.view = new vega.View(vega.parse(spec, null, { ast: true }), {
    expr: expressionInterpreter,
    renderer: "svg",
    container: canvas,
    hover: false,
    logLevel: vega.Error,
  });
  await view.view.runAsync();
  place.querySelector("svg")?.setAttribute("aria-hidden", "true"); // the place is the image, and says what it shows
  figure.dataset.ready = "";
}

function drawAll() {
  document.querySelectorAll("figure.chart").forEach(draw);
}

document.addEventListener("live", drawAll);
dark.addEventListener("change", drawAll);
drawAll();
