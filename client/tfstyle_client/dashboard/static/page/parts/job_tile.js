/** A job in the list: its picture, state and progress. */
import { pictureUrl } from "../api.js";
import { h, setText } from "../dom.js";
import { age, moment, sentence } from "../format.js";
import { bestPicture } from "../live/job_state.js";
import { decoded, patientImage } from "../patient_image.js";
import { jobAddress } from "../route.js";
import { fraction, progressText, sizeText, STATES } from "./progress_text.js";

/** The first painting, small: two pictures of one photo differ by it. */
const painting = (request) => request?.styles[0] && patientImage({ class: "tile-painting", src: pictureUrl(request.styles[0].image, 160), loading: "lazy", decoding: "async", alt: "" });

export class JobTile {
  /** @param {(id: string, chosen: boolean) => void} onChoose to compare it */
  constructor(job, onChoose) {
    this.picture = patientImage({ loading: "lazy", decoding: "async", alt: "" });
    this.bar = h("span");
    this.progress = h("div", { class: "progress" }, this.bar);
    this.state = h("span", { class: "state", "data-testid": "job-state" });
    this.detail = h("span", { class: "tile-detail muted numbers" });
    this.made = h("span", { class: "tile-made" });
    this.time = h("time", { class: "muted", datetime: job.created, title: moment(job.created) });
    this.box = h("input", { type: "checkbox", onchange: () => onChoose(job.id, this.box.checked) });
    this.choice = h("label", { class: "tile-choice", title: "Choose to compare" }, this.box, h("span", { class: "visually-hidden" }, "Choose to compare"));
    this.element = h("li", { class: "tile", "data-testid": "job-row", "data-id": job.id },
      h("a", { class: "tile-link", href: jobAddress(job.id) },
        h("span", { class: "tile-picture" }, this.picture, painting(job.request), this.progress),
        h("span", { class: "tile-line" }, this.state, this.detail),
        h("span", { class: "tile-line small" }, this.made, this.time)),
      this.choice);
    this.update(job);
  }

  update(job) {
    this.job = job;
    const digest = bestPicture(job);
    if (digest !== this.digest) this.#show(digest);
    this.element.dataset.state = job.state;
    this.state.dataset.state = job.state;
    setText(this.state, STATES[job.state] ?? job.state);
    setText(this.detail, progressText(job));
    this.detail.title = job.state === "failed" ? progressText(job) : "";
    this.progress.hidden = job.state !== "running";
    this.bar.style.transform = `scaleX(${fraction(job)})`;
    const preset = job.request ? [job.request.kind === "texture" && "Texture", sentence(job.request.preset)].filter(Boolean).join(", ") : "Job";
    setText(this.made, [preset, sizeText(job)].filter(Boolean).join(", "));
    this.choice.hidden = job.state !== "succeeded";
    this.showAge();
  }

  showAge() {
    setText(this.time, age(this.job.created));
  }

  /** A picture of a job that is running is replaced only once the next one is ready. */
  async #show(digest) {
    const first = this.digest === undefined;
    this.digest = digest;
    if (!digest) return;
    const address = pictureUrl(digest, 320);
    if (!first) {
      await decoded(address, () => this.digest === digest);
      if (this.digest !== digest) return;
    }
    this.picture.src = address;
  }
}
