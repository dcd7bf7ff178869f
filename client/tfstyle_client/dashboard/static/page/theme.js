/** The button that changes between the light and the dark scheme. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { remember } from "./remembered.js";

const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

export function themeButton() {
  const button = h("button", { class: "button quiet icon", type: "button", onclick: change });
  function show() {
    const next = isDark() ? "light" : "dark";
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", `Use ${next} colours`);
    button.title = `Use ${next} colours`;
  }
  function change() {
    const theme = isDark() ? "light" : "dark";
    // The system's own scheme is not stored, so that the page follows the system again.
    const own = theme === (system.matches ? "dark" : "light");
    if (own) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    remember("theme", own ? null : theme);
    document.dispatchEvent(new Event("theme"));
  }
  document.addEventListener("theme", show);
  system.addEventListener("change", () => document.dispatchEvent(new Event("theme")));
  show();
  return button;
}
