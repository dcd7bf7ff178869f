/** A number that is set by a slider. */
import { h, setText } from "../dom.js";
import { sentence } from "../format.js";
import { resetButton } from "./option_field.js";

/** How a place on the slider, from 0 to 1, becomes a value. */
export const LINEAR = {
  value: (place, { minimum, maximum }) => (minimum + place * (maximum - minimum)).toFixed(2),
  place: (value, { minimum, maximum }) => (value - minimum) / (maximum - minimum),
};
/** Equal steps are equal ratios, as for a factor. */
export const RATIO = {
  value: (place, { minimum, maximum }) => String(Number((minimum * (maximum / minimum) ** place).toPrecision(2))),
  place: (value, { minimum, maximum }) => Math.log(value / minimum) / Math.log(maximum / minimum),
};
const STEPS = 100;

export class OptionSlider {
  /**
   * @param {import("../options_catalog.js").Option} option
   * @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors
   * @param {{label: string, ends: [string, string], curve: typeof LINEAR}} shape `ends` say what the slider's ends mean
   */
  constructor(option, draft, errors, { label, ends, curve }) {
    Object.assign(this, { option, draft, curve });
    const id = `option-${option.name}`;
    this.range = h("input", {
      type: "range", id, min: "0", max: String(STEPS), "data-testid": id,
      oninput: () => draft.set(option.name, String(Number(curve.value(this.range.value / STEPS, option)))),
    });
    this.output = h("output", { class: "numbers muted", for: id });
    this.reset = resetButton(label, () => {
      draft.set(option.name, "");
      this.range.focus();
    });
    this.element = h("div", { class: "field", title: sentence(option.help) },
      h("div", { class: "field-head" }, h("label", { for: id }, label), h("span", { class: "slider-end" }, this.reset, this.output)),
      this.range, h("div", { class: "slider-ends small muted" }, ends.map((end) => h("span", null, end))), errors.place(option.name, this.range));
    this.update();
  }

  update() {
    const set = this.draft.values.get(this.option.name);
    const value = set ?? this.draft.default(this.option.name);
    const known = value !== null && Number.isFinite(Number(value));
    if (known) {
      const place = Math.round(this.curve.place(Number(value), this.option) * STEPS);
      // While it is dragged, the slider is already where it belongs.
      if (document.activeElement !== this.range || set === undefined) this.range.value = String(place);
    } else this.range.value = String(STEPS / 2);
    const text = value === null ? "as the weights say" : String(value);
    setText(this.output, text);
    this.range.setAttribute("aria-valuetext", text);
    this.reset.hidden = set === undefined;
  }
}
