/** Names, colours and values of the curves; each can be hidden. */
import { h, setText } from "../dom.js";
import { brief, words } from "../format.js";

const COLOURS = 8;
/** Curves beyond the eighth have the same colours again, in dashes. */
const DASHES = [undefined, [6, 4], [2, 3]];

export class ChartLegend {
  /** @param {(index: number, shown: boolean) => void} onToggle `index` counts from 1, as uPlot counts series */
  constructor(onToggle) {
    this.onToggle = onToggle;
    this.where = h("span", { class: "legend-where numbers muted" });
    this.list = h("span", { class: "legend-series" });
    this.element = h("div", { class: "legend" }, this.where, this.list);
    this.items = [];
  }

  setSeries(names) {
    this.items = names.map((name, index) => {
      const swatch = h("span", { class: `swatch series-${(index % COLOURS) + 1}` });
      const value = h("span", { class: "legend-value numbers" });
      const button = h("button", { type: "button", class: "legend-item", "aria-pressed": "true", onclick: () => this.#toggle(index) },
        swatch, h("span", null, words(name)), value);
      return { swatch, value, button };
    });
    this.list.replaceChildren(...this.items.map(({ button }) => button));
  }

  /** @param {number | undefined} evaluation @param {(number | null)[]} values */
  setValues(evaluation, values) {
    setText(this.where, evaluation === undefined ? "No evaluations yet" : `Evaluation ${evaluation}`);
    this.items.forEach(({ value }, index) => setText(value, brief(values[index])));
  }

  /** The colour in the present scheme, which a canvas does not resolve by itself. */
  colour(index) {
    return getComputedStyle(this.items[index].swatch).color;
  }

  dash(index) {
    return DASHES[Math.floor(index / COLOURS) % DASHES.length];
  }

  #toggle(index) {
    const { button } = this.items[index];
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    this.onToggle(index + 1, shown);
  }
}
