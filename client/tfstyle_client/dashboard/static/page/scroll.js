/** Keeps how far a view is scrolled with its entry of the history: Back leads to the same place. */
import { entry } from "./entry.js";

/** Call it once a view is shown. @param {AbortSignal} signal ends it */
export function keepScroll(signal) {
  scrollTo(0, entry.get("scroll") ?? 0);
  let timer = 0;
  // Not at each pixel: browsers limit how often an entry may change.
  window.addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(() => entry.set("scroll", scrollY), 150);
  }, { signal, passive: true });
  signal.addEventListener("abort", () => clearTimeout(timer));
}
