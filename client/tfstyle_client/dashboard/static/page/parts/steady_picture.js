/** A picture that changes without flicker: the next one is shown only once it is decoded. */
import { h } from "../dom.js";

export class SteadyPicture {
  constructor(props) {
    this.element = h("img", { alt: "", draggable: "false", ...props });
    this.wanted = null;
    this.loading = false;
  }

  /** @param {string} address @param {string} alt */
  show(address, alt) {
    if (this.wanted?.address === address) return;
    this.wanted = { address, alt };
    if (!this.loading) this.#load();
  }

  /** One at a time: while a slider is dragged, the pictures in between are skipped. */
  async #load() {
    this.loading = true;
    let wanted;
    while (wanted !== this.wanted) {
      wanted = this.wanted;
      const next = new Image();
      next.src = wanted.address;
      try {
        await next.decode();
      } catch {
        // It may have been deleted meanwhile; the one before stays.
        continue;
      }
      this.element.src = wanted.address;
      this.element.alt = wanted.alt;
      this.element.dataset.shown = "";
    }
    this.loading = false;
  }
}
