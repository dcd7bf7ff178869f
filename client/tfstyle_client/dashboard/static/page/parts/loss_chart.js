/** Curves of the losses over the evaluations. */
import { h } from "../dom.js";
import { brief } from "../format.js";
import { hasEnded } from "../live/job_state.js";
import { ChartLegend } from "./chart_legend.js";
import { drawMarks } from "./chart_marks.js";
import { segments } from "./segments.js";

const HEIGHT = 280;
/** Of a logarithmic axis, below the largest loss; smaller parts would flatten all others. */
const MOST_BELOW = 1e3;
const WHOLE_NUMBERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const AXIS_FONT = "12px system-ui, sans-serif";

export class LossChart {
  /** @param {import("../live/history.js").History} history */
  constructor(history, signal) {
    this.history = history;
    this.by = "parts";
    this.scale = "log";
    this.plot = null;
    this.names = "";
    this.legend = new ChartLegend((index, shown) => this.plot.setSeries(index, { show: shown }));
    this.ink = h("span", { class: "chart-ink", hidden: true });
    this.lines = h("span", { class: "chart-lines", hidden: true });
    this.canvas = h("div", { class: "chart-canvas", tabindex: "0", role: "img", onkeydown: (event) => this.#move(event), onblur: () => this.#point(-1) });
    this.element = h("section", { class: "chart", "data-testid": "loss-chart", "data-points": "0", "aria-label": "Loss" },
      h("div", { class: "chart-head" }, h("h2", null, "Loss"),
        h("span", { class: "row" },
          segments("Curves", [["parts", "By part"], ["layers", "By layer"]], "parts", (by) => this.#change({ by })),
          segments("Axis", [["log", "Log"], ["linear", "Linear"]], "log", (scale) => this.#change({ scale })))),
      this.canvas, this.legend.element, this.ink, this.lines);
    new ResizeObserver(() => this.plot?.setSize(this.#size())).observe(this.canvas);
    document.addEventListener("theme", () => this.plot?.redraw(false), { signal });
    signal.addEventListener("abort", () => this.plot?.destroy());
  }

  update() {
    const { evaluations } = this.history;
    // Nothing will come of a job that ended before its first evaluation.
    this.element.hidden = hasEnded(this.history.job) && !this.history.job.progress && !evaluations.length;
    this.element.dataset.points = String(evaluations.length);
    const columns = this.by === "parts" ? this.history.parts : this.history.layers;
    const names = `${this.by} ${this.scale} ${[...columns.keys()]}`;
    const data = [evaluations, ...[...columns.values()].map((column) => this.#plotted(column))];
    if (this.plot && names === this.names) this.plot.setData(data);
    else this.#build(names, [...columns.keys()], data);
    this.#describe();
  }

  #change(what) {
    Object.assign(this, what);
    this.update();
  }

  #plotted(column) {
    return this.scale === "log" ? column.map((loss) => (loss > 0 ? loss : null)) : column;
  }

  #build(names, series, data) {
    this.names = names;
    this.plot?.destroy();
    this.legend.setSeries(series);
    const ink = () => getComputedStyle(this.ink).color;
    const grid = { stroke: () => getComputedStyle(this.lines).color, width: 1 };
    const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font: AXIS_FONT, gap: 6 };
    const options = {
      ...this.#size(),
      // Else curves become stairs.
      pxAlign: 0,
      legend: { show: false },
      padding: [24, 16, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
      scales: {
        x: { time: false, range: (_, low, high) => [low ?? 0, Math.max(high ?? 1, (low ?? 0) + 1)] },
        y: this.scale === "log" ? { distr: 3, range: logRange } : { range: (_, __, high) => [0, (high || 1) * 1.05] },
      },
      axes: [
        { ...axis, size: 36, space: 60, incrs: WHOLE_NUMBERS },
        { ...axis, size: 56, ticks: { show: false }, ...(this.scale === "log" && { splits: logSplits, filter: (_, values) => values }), values: (_, values) => values.map((value) => (value === null ? "" : brief(value))) },
      ],
      series: [{}, ...series.map((name, index) => ({
        label: name,
        show: !this.legend.hidden.has(name),
        stroke: () => this.legend.colour(index),
        width: name === "total" ? 2 : 1.5,
        dash: this.legend.dash(index),
        points: { show: false },
        spanGaps: true,
      }))],
      hooks: {
        draw: [(plot) => drawMarks(plot, this.history, ink(), grid.stroke())],
        setCursor: [(plot) => this.#values(plot.cursor.idx)],
        setData: [() => this.#values(null)],
      },
    };
    this.plot = new window.uPlot(options, data, this.canvas);
    this.#values(null);
  }

  /** The legend shows the values under the pointer, else the last ones. */
  #values(index) {
    const columns = this.by === "parts" ? this.history.parts : this.history.layers;
    const row = index ?? this.history.evaluations.length - 1;
    this.legend.setValues(this.history.evaluations[row], [...columns.values()].map((column) => column[row]));
  }

  #size() {
    return { width: this.canvas.clientWidth || 600, height: HEIGHT };
  }

  #move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -25, PageDown: 25, Home: -Infinity, End: Infinity }[event.key];
    const last = this.history.evaluations.length - 1;
    if (!step || !this.plot || last < 0) return;
    event.preventDefault();
    this.#point(Math.min(last, Math.max(0, (this.plot.cursor.idx ?? last) + step)));
  }

  /** Point at a row, or at none. */
  #point(row) {
    const left = row < 0 ? -10 : this.plot?.valToPos(this.history.evaluations[row], "x");
    this.plot?.setCursor({ left, top: row < 0 ? -10 : 10 });
  }

  #describe() {
    const { evaluations, parts } = this.history;
    const total = parts.get("total");
    const text = evaluations.length
      ? `Loss over ${evaluations.length} evaluations, from ${brief(total[0])} to ${brief(total.at(-1))}. Use the arrow keys to read values.`
      : "Loss; no evaluations yet.";
    this.canvas.setAttribute("aria-label", text);
  }
}

/** At 0.1, 1, 10; and between, where there are few of these. uPlot's own need an axis that begins at a power of 10. */
function logSplits(_, __, low, high) {
  const steps = high / low > 100 ? [1] : [1, 2, 5];
  const splits = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    splits.push(...steps.map((step) => Number(`${step}e${power}`)));
  }
  return splits.filter((split) => split >= low && split <= high);
}

function logRange(_, low, high) {
  if (!(high > 0)) return [0.1, 1];
  return [Math.max(low, high / MOST_BELOW) / 1.2, high * 1.2];
}
