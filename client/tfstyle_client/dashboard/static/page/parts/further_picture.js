/** One picture that photo or painting may have besides: dropped, chosen, pasted, or painted with a brush. */
import { h } from "../dom.js";
import { pixels } from "../format.js";
import { icon } from "../icons.js";
import { dropHandlers, pastedFiles } from "./drop_target.js";
import { paintMask } from "./mask_painter.js";
import { PictureField } from "./picture_field.js";

/** Of the ratios of width to height, as the server has it. */
const MOST_DIFFERENCE = 0.02;

export class FurtherPicture {
  /**
   * @param {import("../further_pictures.js").Further} kind
   * @param {object} what
   * @param {() => import("../draft.js").Picture | null} what.under the picture that it lies over
   * @param {import("./field_errors.js").FieldErrors} what.errors
   * @param {(change: 1 | -1) => void} what.onUploading @param {() => void} what.onChange
   */
  constructor(kind, { under, errors, onUploading, onChange }) {
    Object.assign(this, { kind, under, errors });
    this.picture = null;
    this.field = new PictureField({
      label: kind.label, prompt: icon("plus"), field: `${kind.name} ${nextKey++}`, errors, onUploading,
      input: { title: "Drop, paste or choose a picture" },
      onPicture: (picture) => {
        this.picture = picture;
        this.check();
        onChange();
      },
    });
    const { drop, caption, retry, remove, error } = this.field;
    this.brush = kind.brush && h("button", { class: "button", type: "button", "aria-label": `Paint: ${kind.label}`, onclick: () => this.#paint() }, icon("brush"), "Paint");
    this.element = h("div", {
      class: "further", role: "group", "aria-label": kind.label, ...dropHandlers(() => this.element, (files) => this.field.take(files[0])),
      onpaste: (event) => {
        const [file] = pastedFiles(event);
        if (!file) return;
        event.preventDefault();
        this.field.take(file);
      },
    }, drop.target, h("div", { class: "further-text" }, h("span", { class: "label" }, kind.label), h("span", { class: "help" }, kind.help), caption),
    h("div", { class: "further-buttons" }, this.brush, retry, remove), error);
  }

  /** @param {string} path as the API names it */
  rename(path) {
    this.field.rename(path);
    this.field.drop.file.dataset.testid = `file-${path}`;
    if (this.brush) this.brush.dataset.testid = `paint-${path}`;
  }

  /** @param {import("../draft.js").Picture | null} picture */
  put(picture) {
    if (!picture) return;
    this.picture = picture;
    this.field.show(picture);
  }

  /** It must have the shape of what it lies over. What is wrong with its file is said elsewhere. */
  check() {
    const under = this.under();
    if (this.brush) this.brush.disabled = !under;
    if (this.brush) this.brush.title = under ? "" : `Choose a ${this.kind.shape} first`;
    if (!this.picture) return;
    const ratio = ({ width, height }) => width / height;
    const differ = under && Math.abs(ratio(this.picture) / ratio(under) - 1) > MOST_DIFFERENCE;
    this.errors.set(this.field.field, differ ? `must have the shape of the ${this.kind.shape}, ${pixels(under.width, under.height)}` : "");
  }

  #paint() {
    paintMask(this.element, {
      title: this.kind.label, help: this.kind.brush, under: this.under(), mask: this.picture, name: `${this.kind.name}.png`,
      onDone: (file) => (file ? this.field.take(file) : this.field.clear()),
    });
  }
}

let nextKey = 0;
