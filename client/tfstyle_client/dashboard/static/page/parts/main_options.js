/** The options that everybody uses, each with a field made for it. */
import { OptionField } from "./option_field.js";
import { LINEAR, OptionSlider, RATIO } from "./option_slider.js";

/** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
export function mainOptions(draft, errors) {
  const option = (name) => draft.options.get(name);
  return [
    new OptionSlider(option("strength"), draft, errors, { label: "Strength", ends: ["photo", "painting"], curve: LINEAR }),
    new OptionSlider(option("style_scale"), draft, errors, { label: "Stroke size", ends: ["smaller", "larger"], curve: RATIO }),
    new OptionField(option("size"), draft, errors, { label: "Size in pixels", quick: ["512", "1024", ...option("size").words] }),
  ];
}
