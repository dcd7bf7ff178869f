/** Plays the pictures of a sequence at their rate, each also beside the frame that it was painted from. */
import { pictureUrl } from "../api.js";
import { h, setText } from "../dom.js";
import { decoded } from "../patient_image.js";
import { segments } from "./segments.js";
import { split } from "./split.js";

/** Pictures that are loaded before they are shown, and that are kept. */
const AHEAD = 8;
const KEPT = 64;
const USUAL_RATE = 25;

export class Player {
  /** @param {import("../live/sequences.js").SequenceJobs} sequence @param {AbortSignal} signal ends it */
  constructor(sequence, signal) {
    this.sequence = sequence;
    this.signal = signal;
    /** By digest, the latest last. @type {Map<string, Promise<HTMLImageElement | null>>} */
    this.images = new Map();
    this.at = 0;
    this.playing = false;
    /** The latest picture is shown until somebody plays or moves. */
    this.following = true;
    this.before = false;
    this.drawn = null;
    this.painted = h("canvas", { class: "frame-picture", role: "img", "data-shown": true, "data-testid": "player" });
    this.source = h("canvas", { class: "frame-picture frame-over", role: "img", "aria-label": "The frame before it was painted", hidden: true });
    this.split = split(this.source, "Before and after", "player-split");
    this.frame = h("div", { class: "frame" }, this.painted, this.source, this.split.line, this.split.range);
    this.button = h("button", { class: "button", type: "button", "data-testid": "play", onclick: () => this.#toggle() }, "Play");
    this.range = h("input", { type: "range", min: "0", step: "1", "aria-label": "Frame", "data-testid": "player-frame", oninput: () => this.#scrub() });
    this.text = h("span", { class: "numbers", "data-testid": "player-text" });
    this.element = h("figure", { class: "forming player" },
      h("div", { class: "stage" }, this.frame),
      h("div", { class: "forming-controls" }, this.range,
        h("figcaption", { class: "forming-line" }, h("span", { class: "forming-text" }, this.button, this.text),
          segments("Show", [["picture", "Picture"], ["split", "Before and after"]], "picture", (mode) => this.#setMode(mode)))));
    this.#setMode("picture");
  }

  /** After the sequence has changed. */
  update() {
    const frames = this.sequence.painted;
    this.range.max = String(Math.max(0, frames.length - 1));
    this.range.disabled = frames.length < 2;
    this.button.disabled = frames.length < 2;
    const latest = this.sequence.latest;
    const wanted = this.following && !this.playing && latest !== null ? latest : this.at;
    this.#show(frames.includes(wanted) ? wanted : (frames[0] ?? 0));
  }

  #setMode(mode) {
    this.before = mode === "split";
    for (const element of [this.source, this.split.line, this.split.range]) element.hidden = !this.before;
    this.drawn = null;
    this.update();
  }

  #scrub() {
    this.following = this.playing = false;
    setText(this.button, "Play");
    this.#show(this.sequence.painted[Number(this.range.value)] ?? 0);
  }

  #toggle() {
    this.playing = !this.playing;
    this.following = false;
    setText(this.button, this.playing ? "Pause" : "Play");
    if (this.playing) this.#play();
  }

  /** Again and again; where pictures come too slowly, it waits for them. */
  async #play() {
    let due = performance.now();
    while (this.playing && !this.signal.aborted) {
      const frames = this.sequence.painted;
      const next = frames[(frames.indexOf(this.at) + 1) % frames.length];
      // A gap in what is painted so far does not stop it.
      const step = 1000 / (this.sequence.rate || USUAL_RATE);
      for (let ahead = 1; ahead <= AHEAD; ahead++) this.#load(frames[(frames.indexOf(next) + ahead) % frames.length]);
      await this.#load(next);
      due = Math.max(due + step, performance.now() - step);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      if (this.playing) await this.#show(next);
    }
  }

  /** The pictures of a frame, decoded: painted, and before. */
  #load(frame) {
    const job = this.sequence.frames.get(frame);
    const image = (digest) => {
      const kept = this.images.get(digest) ?? decoded(pictureUrl(digest, Infinity), () => !this.signal.aborted);
      this.images.delete(digest);
      this.images.set(digest, kept);
      while (this.images.size > KEPT) this.images.delete(this.images.keys().next().value);
      return kept;
    };
    return Promise.all([job?.result && image(job.result.digest), this.before && job?.request && image(job.request.content)]);
  }

  async #show(frame) {
    this.at = frame;
    const { painted, rate, total } = this.sequence;
    const seconds = (frame / (rate || USUAL_RATE)).toFixed(2);
    const text = painted.length ? `Frame ${frame + 1} of ${total}, ${seconds} s` : "No frame is painted yet";
    const digest = this.sequence.frames.get(frame)?.result?.digest;
    this.range.value = String(Math.max(0, painted.indexOf(frame)));
    this.range.setAttribute("aria-valuetext", text);
    setText(this.text, text);
    this.painted.setAttribute("aria-label", text);
    if (!digest || this.drawn === digest) return;
    const [after, before] = await this.#load(frame);
    if (this.at !== frame || this.signal.aborted || !after) return;
    this.drawn = digest;
    this.frame.style.setProperty("--ratio", after.naturalWidth / after.naturalHeight);
    draw(this.painted, after);
    if (before) draw(this.source, before);
    this.painted.dataset.frame = String(frame);
  }
}

function draw(canvas, image) {
  if (canvas.width !== image.naturalWidth || canvas.height !== image.naturalHeight) {
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
  }
  canvas.getContext("2d").drawImage(image, 0, 0);
}
