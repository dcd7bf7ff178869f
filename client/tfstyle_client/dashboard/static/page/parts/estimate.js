/** What a transfer would take, asked for a moment after each change. */
import { call } from "../api.js";
import { h, setText } from "../dom.js";
import { bytes, duration, pixels } from "../format.js";

const WAIT_MILLISECONDS = 400;
const AGAIN_MILLISECONDS = 3000;
const NAMES = ["Time", "Memory", "Result", "Scales", "Evaluations", "Network"];

export class Estimate {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
  constructor(draft, errors, signal) {
    Object.assign(this, { draft, errors, signal });
    this.values = Object.fromEntries(NAMES.map((name) => [name, h("dd", null, "–")]));
    this.of = h("span", { class: "muted estimate-of" });
    this.warnings = h("div", { class: "warnings" });
    this.hint = h("p", { class: "help" });
    this.element = h("section", { class: "panel estimate numbers", "data-testid": "estimate", "aria-label": "Estimate" },
      h("h2", null, "Estimate", this.of),
      h("dl", { class: "facts" }, NAMES.map((name) => h("div", null, h("dt", null, name), this.values[name]))), this.hint, this.warnings);
    this.timer = 0;
    this.asked = new AbortController();
    signal.addEventListener("abort", () => this.#stop());
  }

  /** It is for one picture; of a grid, for one of several. */
  setPictures(count) {
    setText(this.of, count > 1 ? ` for one of ${count} pictures` : "");
  }

  /** The draft has changed. */
  later() {
    this.#stop();
    this.element.setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.#ask(), WAIT_MILLISECONDS);
  }

  #stop() {
    clearTimeout(this.timer);
    this.asked.abort();
  }

  async #ask() {
    const body = this.draft.estimate();
    const { signal } = (this.asked = new AbortController());
    try {
      if (!body) return this.#show(null);
      const estimate = await call("estimates", { method: "POST", body, signal });
      this.errors.clear();
      this.#show(estimate);
    } catch (error) {
      if (signal.aborted) return;
      this.#show(null);
      // Nobody is interrupted while typing: the focus stays.
      if (!error.passing) this.errors.show(error);
      // As while the server's first worker is starting.
      else this.timer = setTimeout(() => this.#ask(), AGAIN_MILLISECONDS);
    } finally {
      if (!signal.aborted) this.element.setAttribute("aria-busy", "false");
    }
  }

  #show(estimate) {
    this.hint.hidden = Boolean(this.draft.estimate());
    setText(this.hint, this.draft.kind.missing);
    const texts = estimate ? estimateTexts(estimate) : {};
    for (const name of NAMES) setText(this.values[name], texts[name] ?? "–");
    this.warnings.replaceChildren(...(estimate?.warnings ?? []).map((warning) => h("p", { class: "notice small" }, warning)));
  }
}

function estimateTexts({ expected, memory, width, height, stages, max_evaluations: evaluations, network, tiled }) {
  return {
    Time: expected === null || expected === undefined ? "not known" : `about ${duration(expected)}`,
    Memory: `${bytes(memory)}${tiled ? ", in tiles" : ""}`,
    Result: pixels(width, height),
    Scales: stages.map((stage) => Math.max(stage.width, stage.height)).join(" → "),
    Evaluations: String(evaluations),
    Network: network,
  };
}
