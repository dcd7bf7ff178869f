/** The state of a job, how far it is, and how fast. */
import { announce, h, setText } from "../dom.js";
import { brief, duration } from "../format.js";
import { hasEnded } from "../live/job_state.js";
import { fraction, progressText, STATES } from "./progress_text.js";

export class JobStatus {
  /** @param {import("../live/history.js").History} history */
  constructor(history) {
    this.history = history;
    this.state = h("span", { class: "state", "data-testid": "job-state" });
    this.detail = h("span", { class: "muted numbers" });
    this.bar = h("span");
    this.progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" }, this.bar);
    this.error = h("div", { class: "notice bad", role: "alert", "data-testid": "error-job", hidden: true });
    this.values = {};
    this.numbers = h("dl", { class: "facts numbers" }, ["Evaluation", "Scale", "Speed", "Time", "Loss"].map((name) => {
      this.values[name] = h("dd");
      return h("div", null, h("dt", null, name), this.values[name]);
    }));
    this.element = h("section", { class: "panel", "aria-label": "Progress" },
      h("div", { class: "status-line" }, this.state, this.detail), this.progress, this.error, this.numbers);
    this.update();
  }

  update() {
    const { job } = this.history;
    if (this.announced && this.announced !== job.state) announce(`State: ${STATES[job.state]}`);
    this.announced = job.state;
    this.state.dataset.state = job.state;
    setText(this.state, STATES[job.state] ?? job.state);
    setText(this.detail, job.state === "failed" ? "" : progressText(job));
    const done = job.state === "succeeded" ? 1 : fraction(job);
    this.progress.toggleAttribute("data-ended", hasEnded(job));
    this.bar.style.transform = `scaleX(${done})`;
    this.progress.setAttribute("aria-valuenow", String(Math.round(done * 100)));
    if (job.state === "failed" && this.error.hidden) {
      this.error.replaceChildren(h("strong", null, "The job failed"), h("p", null, job.error ?? "The server gave no reason."));
      this.error.hidden = false;
    }
    for (const [name, text] of Object.entries(this.#numbers(job))) setText(this.values[name], text);
  }

  #numbers(job) {
    const { progress, result, started } = job;
    const stages = started?.stages ?? [];
    const stage = progress && stages[progress.stage - 1];
    const rate = this.history.rate(job.state === "running" ? undefined : Infinity);
    const evaluation = result?.evaluations ?? progress?.evaluation;
    const most = progress?.max_evaluations ?? started?.max_evaluations;
    const losses = result?.losses ?? progress?.losses;
    return {
      Evaluation: evaluation ? `${evaluation} of ${most}` : "–",
      Scale: stage ? `${Math.max(stage.width, stage.height)} px, ${progress.stage} of ${stages.length}` : "–",
      Speed: rate ? `${brief(rate)} evaluations per second` : "–",
      Time: progress ? duration(result?.elapsed ?? progress.elapsed) : "–",
      Loss: losses ? brief(losses.total) : "–",
    };
  }
}
