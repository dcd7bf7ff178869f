/** Several pictures at once: a picture for each pair of values of two options. */
import { h, setText } from "../dom.js";
import { plural, sentence, words } from "../format.js";

const MOST_VALUES = 4;
/** Where a kind of picture lacks what is usual. */
const OTHERWISE = { rows: { option: "coarsest_scale", values: "64, 128" }, columns: { option: "seed", values: "1, 2" } };
const USUAL = { rows: { option: "strength", values: "0.25, 0.5, 0.75" }, columns: { option: "style_scale", values: "0.5, 1, 2" } };

export class GridFields {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
  constructor(draft, errors, onChange) {
    Object.assign(this, { draft, errors, onChange });
    // Lists have commas of their own.
    const options = [...draft.options.values()].filter(({ kind }) => kind !== "text");
    this.axes = { rows: this.#axis("rows", "Rows", options), columns: this.#axis("columns", "Columns", options) };
    this.box = h("input", { type: "checkbox", id: "grid", "data-testid": "grid", onchange: () => this.#show() });
    this.fields = h("div", { class: "grid-fields", hidden: true }, this.axes.rows.element, this.axes.columns.element);
    this.count = h("span", { class: "muted small" });
    this.element = h("div", { class: "grid-box" },
      h("label", { class: "check" }, this.box, h("span", null, "Make a grid of pictures to compare two options"), this.count), this.fields);
  }

  /** The draft has changed, and perhaps the options that it has. */
  update() {
    for (const [name, { option, input }] of Object.entries(this.axes)) {
      for (const one of option.options) one.hidden = one.disabled = !this.draft.offers(one.value);
      if (this.draft.offers(option.value)) continue;
      option.value = OTHERWISE[name].option;
      input.value = OTHERWISE[name].values;
    }
  }

  get wanted() {
    return this.box.checked;
  }

  get pictures() {
    return this.wanted ? this.axes.rows.values().length * this.axes.columns.values().length : 1;
  }

  kept() {
    const axis = ({ option, input }) => ({ option: option.value, values: input.value });
    return { wanted: this.wanted, rows: axis(this.axes.rows), columns: axis(this.axes.columns) };
  }

  restore({ wanted, ...axes }) {
    this.box.checked = wanted;
    for (const [name, { option, input }] of Object.entries(this.axes)) {
      if (this.draft.options.has(axes[name].option)) option.value = axes[name].option;
      input.value = axes[name].values;
    }
    this.#show();
  }

  /** @returns {Record<"rows" | "columns", import("../route.js").Axis>} */
  axesOfRequest() {
    const axis = (name) => ({ option: this.axes[name].option.value, values: this.axes[name].values().map((value) => this.#typed(name, value)) });
    return { rows: axis("rows"), columns: axis("columns") };
  }

  /** @returns whether it can be sent; says what is wrong where it cannot */
  check() {
    const faults = Object.entries(this.axes).map(([name, axis]) => [name, axis, this.#fault(name)]);
    for (const [name, , fault] of faults) this.errors.set(name, fault);
    const bad = faults.find(([, , fault]) => fault);
    bad?.[1].input.focus();
    return !bad;
  }

  /** An answer's errors of an option that is an axis, as errors of the axis. */
  placed(error) {
    for (const one of error.errors ?? []) {
      const axis = this.wanted && Object.entries(this.axes).find(([, { option }]) => option.value === one.field);
      if (axis) one.field = axis[0];
    }
    return error;
  }

  /** @returns what is wrong with an axis; "" where nothing is */
  #fault(name) {
    const values = this.axes[name].values();
    if (values.length < 1 || values.length > MOST_VALUES) return `must be 1 to ${MOST_VALUES} values; got ${values.length}`;
    const same = values.find((value, index) => values.slice(0, index).some((other) => this.#typed(name, other) === this.#typed(name, value)));
    if (same !== undefined) return `${same} is there twice`;
    return name === "columns" && this.axes.rows.option.value === this.axes.columns.option.value ? "must be another option than that of the rows" : "";
  }

  #typed(name, value) {
    return this.draft.typed(this.axes[name].option.value, value);
  }

  #axis(name, label, options) {
    const select = h("select", { class: "select", id: `${name}-option`, "aria-label": `${label}: option`, "data-testid": `${name}-option`, onchange: () => this.#show() },
      options.map((option) => h("option", { value: option.name }, sentence(words(option.name)))));
    select.value = USUAL[name].option;
    const input = h("input", { class: "input", value: USUAL[name].values, "aria-label": `${label}: values`, autocomplete: "off", "data-testid": `${name}-values`, oninput: () => this.#show() });
    const error = this.errors.place(name, input);
    const element = h("div", { class: "field" }, h("span", { class: "label" }, label), select, input, error,
      h("p", { class: "help" }, `Up to ${MOST_VALUES} values, with commas between`));
    return { element, option: select, input, values: () => input.value.split(",").map((value) => value.trim()).filter(Boolean) };
  }

  #show() {
    this.fields.hidden = !this.wanted;
    // What is wrong now is said at once; that a field is still empty is not.
    for (const [name, { values }] of Object.entries(this.axes)) this.errors.set(name, this.wanted && values().length ? this.#fault(name) : "");
    setText(this.count, this.wanted ? plural(this.pictures, "picture") : "");
    this.onChange();
  }
}
