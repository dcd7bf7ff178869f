/** A picture that changes without flicker: the next one is shown only once it is decoded. */
import { h } from "../dom.js";
import { decoded } from "../patient_image.js";

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
      const current = wanted;
      // Where it cannot be had, the one before stays.
      if (!(await decoded(current.address, () => this.wanted === current))) continue;
      this.element.src = wanted.address;
      this.element.alt = wanted.alt;
      this.element.dataset.shown = "";
    }
    this.loading = false;
  }
}
