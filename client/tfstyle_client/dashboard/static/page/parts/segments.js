/** A few buttons of which one is pressed. */
import { h } from "../dom.js";

/**
 * @param {string} label @param {[string, string][]} choices value and text @param {string} value
 * @param {(value: string) => void} onChange
 */
export function segments(label, choices, value, onChange) {
  const group = h("div", { class: "segments", role: "group", "aria-label": label });
  function press(pressed) {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.value === pressed));
  }
  for (const [choice, text] of choices) {
    group.append(h("button", {
      type: "button", "data-value": choice,
      onclick() {
        press(choice);
        onChange(choice);
      },
    }, text));
  }
  press(value);
  return group;
}
