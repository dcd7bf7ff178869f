/** The sheet on which letters will be painted, drawn a moment after each change. */
import { callForFile } from "../api.js";
import { h, setText } from "../dom.js";
import { pixels } from "../format.js";

const WAIT_MILLISECONDS = 300;

export class SheetPreview {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
  constructor(draft, errors, signal) {
    Object.assign(this, { draft, errors });
    this.image = h("img", { class: "sheet-picture", alt: "", hidden: true, "data-testid": "sheet" });
    this.hint = h("span", { class: "muted small" }, "The letters appear here as they are before they are painted");
    this.size = h("span", { class: "muted small numbers" });
    this.element = h("figure", { class: "sheet" }, h("div", { class: "sheet-frame" }, this.hint, this.image), h("figcaption", null, this.size));
    this.asked = new AbortController();
    this.drawn = "";
    this.timer = 0;
    signal.addEventListener("abort", () => {
      this.#stop();
      this.#forget();
    });
  }

  /** The draft has changed. */
  later() {
    const sheet = this.draft.sheet();
    const wanted = JSON.stringify(sheet);
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    this.#stop();
    if (!sheet) return this.#show(null);
    this.image.toggleAttribute("data-replaced", true);
    this.timer = setTimeout(() => this.#ask(sheet), WAIT_MILLISECONDS);
  }

  #stop() {
    clearTimeout(this.timer);
    this.asked.abort();
  }

  #forget() {
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
  }

  async #ask(sheet) {
    const { signal } = (this.asked = new AbortController());
    try {
      const { file, headers } = await callForFile("letters", { method: "POST", body: sheet, signal });
      // Where there is an estimate, it says what is wrong.
      if (!this.draft.estimate()) this.errors.clear();
      this.#show(file, headers.get("X-Sheet-Size"), sheet.letters.text);
    } catch (error) {
      if (signal.aborted) return;
      // With the next change, the same sheet is asked for again; until then the last one stays, dimmed.
      this.drawn = "";
      if (!this.draft.estimate() && !error.passing) this.errors.show(error);
    }
  }

  #show(file, size, text) {
    this.#forget();
    this.image.hidden = !file;
    this.hint.hidden = Boolean(file);
    this.image.removeAttribute("data-replaced");
    setText(this.size, size ? pixels(...size.split("x")) : "");
    if (!file) return;
    this.image.src = URL.createObjectURL(file);
    this.image.alt = `The sheet: ${text}`;
  }
}
