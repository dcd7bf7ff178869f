/** A number that is set by a slider. */
import { h, setText } from "../dom.js";
import { sentence } from "../format.js";
import { resetButton } from "./option_field.js";

/** How the number of a slider becomes a value, and the other way round. */
export const LINEAR = { value: Number, place: Number, step: 0.01 };
/** Equal steps are equal ratios, as for a factor; 1 is among them. */
export const RATIO = { value: (place) => Number((2 ** place).toPrecision(2)), place: Math.log2, step: 0.1 };

export class OptionSlider {
  /**
   * @param {import("../options_catalog.js").Option} option
   * @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors
   * @param {{label: string, ends: [string, string], curve: {value: (place: number) => number, place: (value: number) => number, step: number}}} shape `ends` say what the slider's ends mean
   */
  constructor(option, draft, errors, { label, ends, curve }) {
    Object.assign(this, { option, draft, curve });
    const id = `option-${option.name}`;
    const onStep = (value, round) => Number((round(curve.place(value) / curve.step) * curve.step).toFixed(2));
    const [low, high] = [onStep(option.minimum, Math.ceil), onStep(option.maximum, Math.floor)];
    this.middle = (low + high) / 2;
    this.range = h("input", {
      type: "range", id, min: low, max: high, step: curve.step, "data-testid": id, "aria-describedby": `${id}-help`,
      oninput: () => draft.set(option.name, String(curve.value(Number(this.range.value)))),
    });
    this.help = h("p", { class: "help", id: `${id}-help` });
    this.output = h("output", { class: "numbers muted", for: id });
    this.reset = resetButton(label, () => {
      draft.set(option.name, "");
      this.range.focus();
    });
    this.element = h("div", { class: "field", title: sentence(option.help) },
      h("div", { class: "field-head" }, h("label", { for: id }, label), h("span", { class: "slider-end" }, this.reset, this.output)),
      this.range, h("div", { class: "slider-ends small muted" }, ends.map((end) => h("span", null, end))), errors.place(option.name, this.range), this.help);
    this.update();
  }

  update() {
    const set = this.draft.values.get(this.option.name);
    const value = set ?? this.draft.default(this.option.name);
    const known = value !== null && Number.isFinite(Number(value));
    // While it is dragged, the slider is already where it belongs.
    if (!known) this.range.value = String(this.middle);
    else if (document.activeElement !== this.range || set === undefined) this.range.value = String(this.curve.place(Number(value)));
    const text = value === null ? "as the weights say" : String(value);
    setText(this.output, text);
    this.range.setAttribute("aria-valuetext", text);
    this.reset.hidden = set === undefined;
    const none = this.draft.default(this.option.name) === null;
    setText(this.help, none ? `The preset ${sentence(this.draft.preset)} has none; ${set === undefined ? "its own weights apply" : "this replaces its weights"}.` : "");
  }
}
