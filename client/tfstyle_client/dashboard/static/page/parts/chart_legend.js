/** Names, colours and values of the curves; each can be hidden. */
import { h, setText } from "../dom.js";
import { brief, words } from "../format.js";
import { swatch } from "./swatch.js";

const COLOURS = 8;
/** Curves beyond the eighth have the same colours again, in dashes. */
const DASHES = [undefined, [6, 4], [2, 3]];
/** Where the reader's colours make all curves alike, the dashes alone tell them apart. */
const FORCED_DASHES = [undefined, [6, 3], [2, 2], [8, 2, 2, 2], [12, 4], [4, 6], [8, 2, 2, 2, 2, 2], [1, 4]];
const forced = matchMedia("(forced-colors: active)");

export class ChartLegend {
  /** @param {(index: number, shown: boolean) => void} onToggle `index` counts from 1, as uPlot counts series */
  constructor(onToggle) {
    this.onToggle = onToggle;
    this.where = h("span", { class: "legend-where numbers muted" });
    this.list = h("span", { class: "legend-series" });
    this.element = h("div", { class: "legend" }, this.where, this.list);
    this.items = [];
    /** Names of curves; they stay hidden when the axis changes. @type {Set<string>} */
    this.hidden = new Set();
  }

  setSeries(names) {
    this.items = names.map((name, index) => {
      const piece = swatch(`series-${(index % COLOURS) + 1}`, this.dash(index));
      const value = h("span", { class: "legend-value numbers" });
      const button = h("button", { type: "button", class: "legend-item", "aria-pressed": String(!this.hidden.has(name)), onclick: () => this.#toggle(index) },
        piece, h("span", null, words(name)), value);
      return { name, piece, value, button };
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
    return getComputedStyle(this.items[index].piece).color;
  }

  dash(index) {
    if (forced.matches) return FORCED_DASHES[index % FORCED_DASHES.length];
    return DASHES[Math.floor(index / COLOURS) % DASHES.length];
  }

  #toggle(index) {
    const { name, button } = this.items[index];
    const shown = this.hidden.delete(name);
    if (!shown) this.hidden.add(name);
    button.setAttribute("aria-pressed", String(shown));
    this.onToggle(index + 1, shown);
  }
}
