/** One picture over the other, divided by a slider that lies over both. */
import { h } from "../dom.js";

/** @param {HTMLElement} over the picture on the left @param {string} label */
export function split(over, label, testId) {
  const line = h("span", { class: "split-line", "aria-hidden": "true" });
  const range = h("input", {
    class: "split-range", type: "range", min: "0", max: "100", step: "0.5", value: "50", "aria-label": label, "data-testid": testId, oninput: show,
  });
  function show() {
    // The middle of a thumb stays half its width away from the ends.
    const place = `calc(var(--thumb, 1px) / 2 + (100% - var(--thumb, 1px)) * ${range.value / 100})`;
    over.style.clipPath = `inset(0 calc(100% - ${place}) 0 0)`;
    line.style.left = place;
    range.setAttribute("aria-valuetext", `${Math.round(range.value)}% of the left picture`);
  }
  show();
  return { range, line };
}
