/** The picture of a job: forming, at any evaluation of which a preview is kept, or beside the photo. */
import { apiUrl, pictureUrl } from "../api.js";
import { h, setText } from "../dom.js";
import { hasEnded } from "../live/job_state.js";
import { decoded, patientImage } from "../patient_image.js";
import { showFullSize } from "./full_size.js";
import { segments } from "./segments.js";
import { split } from "./split.js";
import { SteadyPicture } from "./steady_picture.js";

export class FormingPicture {
  /**
   * @param {import("../live/history.js").History} history @param {number} ratio width by height, until it is known
   * @param {import("../letters_of_job.js").Words | null} words of letters, which are cut out at the end
   */
  constructor(history, ratio, words) {
    Object.assign(this, { history, words });
    const made = history.job.request?.kind;
    this.before = words ? "sheet" : "photo";
    /** An empty canvas is nothing to look at. */
    this.isTexture = made === "texture";
    this.picture = new SteadyPicture({ class: "frame-picture", "data-testid": "picture", onclick: () => this.#full() });
    this.photo = patientImage({ class: "frame-picture frame-over", alt: `The ${this.before}`, draggable: "false", hidden: true });
    this.split = split(this.photo, words ? "Sheet and picture" : "Photo and picture", "before-after");
    this.frame = h("div", { class: "frame" }, this.picture.element, this.photo, this.split.line, this.split.range);
    this.range = h("input", { type: "range", min: "0", step: "1", "aria-label": "Evaluation", "data-testid": "scrubber", oninput: () => this.#scrub() });
    this.text = h("span", { class: "numbers" });
    this.live = h("button", { class: "button quiet", type: "button", onclick: () => this.#toEnd() });
    this.compared = segments("Show", [["picture", "Picture"], ["split", "Before and after"]], "picture", (mode) => this.#setMode(mode));
    this.element = h("figure", { class: "forming" },
      h("div", { class: "stage" }, this.frame),
      h("div", { class: "forming-controls" }, this.range,
        h("figcaption", { class: "forming-line" }, h("span", { class: "forming-text" }, this.text, this.live),
          h("span", { class: "row" }, h("button", { class: "button quiet", type: "button", "data-testid": "full-size", onclick: () => this.#full() }, "Full size"), this.compared))));
    /** The end of the scrubber is followed until somebody moves it. */
    this.following = true;
    this.ratio = ratio;
    this.#setMode("picture");
    this.update();
  }

  #setMode(mode) {
    const on = mode === "split";
    if (on && !this.photo.src) this.photo.src = pictureUrl(this.history.job.request.content, this.#pixels());
    for (const element of [this.photo, this.split.line, this.split.range]) element.hidden = !on;
  }

  #full() {
    const address = this.ofResult ? this.#finished() : this.digest && pictureUrl(this.digest, Infinity);
    if (address) showFullSize(this.element, address, this.picture.wanted.alt);
  }

  #scrub() {
    this.following = Number(this.range.value) === Number(this.range.max);
    this.update();
  }

  #toEnd() {
    this.following = true;
    this.update();
    this.range.focus();
  }

  /** Letters are delivered without the ground on which they were painted. */
  #finished() {
    return apiUrl(`jobs/${encodeURIComponent(this.history.job.id)}/result`);
  }

  #pixels() {
    return (this.frame.clientWidth || 1024) * devicePixelRatio;
  }

  update() {
    const { job, previews } = this.history;
    const size = job.result ?? job.started;
    this.frame.style.setProperty("--ratio", size ? size.width / size.height : this.ratio);
    this.compared.hidden = !job.request || this.isTexture;

    // One step for each kept preview, and one for the result.
    const steps = previews.length + (job.result ? 1 : 0);
    this.range.max = String(Math.max(0, steps - 1));
    if (this.following) this.range.value = this.range.max;
    this.range.disabled = steps < 2;
    const step = Number(this.range.value);
    const preview = previews[step];
    const text = this.#show(job, preview);
    setText(this.text, text);
    this.range.setAttribute("aria-valuetext", text);
    setText(this.live, hasEnded(job) ? "Show the result" : "Live");
    this.live.hidden = this.following;
  }

  /** @returns what is shown, in words */
  #show(job, preview) {
    const show = (digest, alt) => {
      this.digest = digest;
      this.ofResult = false;
      if (digest) this.picture.show(pictureUrl(digest, this.#pixels()), alt);
    };
    this.frame.toggleAttribute("data-transparent", Boolean(this.words && !preview && job.result));
    this.frame.toggleAttribute("data-waiting", !preview && !job.result && !job.preview);
    if (preview) {
      show(preview.digest, `The picture at evaluation ${preview.evaluation}`);
      const stage = job.started?.stages[preview.stage - 1];
      return `Evaluation ${preview.evaluation}${stage ? `, ${Math.max(stage.width, stage.height)} px` : ""}`;
    }
    if (job.result) {
      show(this.words ? null : job.result.digest, "The result");
      this.ofResult = Boolean(this.words);
      if (this.words) this.picture.show(this.#finished(), "The result");
      return `Result, ${job.result.width} × ${job.result.height}`;
    }
    if (job.preview) {
      show(job.preview, "The picture so far");
      return "Latest preview";
    }
    if (!this.isTexture) show(job.request?.content, `The ${this.before}`);
    const shown = this.isTexture ? "Nothing" : `The ${this.before}`;
    if (hasEnded(job)) return `${shown}; no preview was kept`;
    return job.state === "queued" ? `${shown}, until the job begins` : `${shown}, until the first preview`;
  }
}

/** Width by height of a picture, so that its place can be kept. */
export async function ratioOf(digest) {
  const picture = await decoded(pictureUrl(digest, 320), () => false);
  return picture ? picture.naturalWidth / picture.naturalHeight : 1.5;
}
