/** A sequence in the list: its latest picture, and how many of its pictures are made. */
import { pictureUrl } from "../api.js";
import { h, setText } from "../dom.js";
import { age, moment, plural } from "../format.js";
import { bestPicture } from "../live/job_state.js";
import { sequenceOf } from "../live/sequences.js";
import { patientImage } from "../patient_image.js";
import { sequenceAddress } from "../route.js";
import { sizeText } from "./progress_text.js";

export class SequenceTile {
  /** @param {object[]} jobs of the list, newest first */
  constructor(jobs) {
    /** It cannot be chosen to be compared. */
    this.box = null;
    const { name } = sequenceOf(jobs[0]);
    this.picture = patientImage({ loading: "lazy", decoding: "async", alt: "" });
    this.bar = h("span");
    this.state = h("span", { class: "state" });
    this.detail = h("span", { class: "tile-detail muted numbers" });
    this.made = h("span", { class: "tile-made" });
    this.time = h("time", { class: "muted" });
    this.element = h("li", { class: "tile tile-sequence", "data-testid": "sequence-row", "data-name": name },
      h("a", { class: "tile-link", href: sequenceAddress(name) },
        h("span", { class: "tile-picture" }, this.picture, h("span", { class: "progress" }, this.bar)),
        h("span", { class: "tile-line" }, this.state, this.detail),
        h("span", { class: "tile-line small" }, this.made, this.time)));
    this.update(jobs);
  }

  update(jobs) {
    this.jobs = jobs;
    const place = sequenceOf(jobs[0]);
    const made = jobs.filter((job) => job.result);
    const digest = bestPicture(made[0] ?? jobs[0]);
    if (digest && digest !== this.digest) this.picture.src = pictureUrl(digest, 320);
    this.digest = digest;
    const running = jobs.some((job) => job.state === "running" || job.state === "queued");
    const failed = jobs.some((job) => job.state === "failed");
    const state = running ? "running" : failed ? "failed" : made.length ? "succeeded" : "cancelled";
    this.element.dataset.state = this.state.dataset.state = state;
    setText(this.state, plural(place.frames ?? made.length, "frame"));
    const furthest = Math.max(-1, ...made.map((job) => sequenceOf(job).frame)) + 1;
    setText(this.detail, place.frames && (running || furthest < place.frames) ? `painted up to ${furthest}` : "painted");
    this.bar.parentElement.hidden = !running;
    this.bar.style.transform = `scaleX(${place.frames ? furthest / place.frames : 0})`;
    setText(this.made, [place.name, sizeText(jobs[0])].filter(Boolean).join(", "));
    this.made.title = this.made.textContent;
    this.time.dateTime = jobs[0].created;
    this.time.title = moment(jobs[0].created);
    this.showAge();
  }

  showAge() {
    setText(this.time, age(this.jobs[0].created));
  }
}
