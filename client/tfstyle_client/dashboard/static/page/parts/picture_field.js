/** One picture to choose: its place, its upload, and what was chosen. */
import { pictureUrl } from "../api.js";
import { announce, h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { patientImage } from "../patient_image.js";
import { upload } from "../upload.js";
import { dropTarget } from "./drop_target.js";

export class PictureField {
  /**
   * @param {object} what
   * @param {string} what.label @param {string} [what.hint] what to do while it is empty
   * @param {Node} [what.prompt] what to show while it is empty, in place of label and hint
   * @param {Record<string, any>} what.input props of the file input
   * @param {string} what.field as errors name it @param {import("./field_errors.js").FieldErrors} what.errors
   * @param {(picture: import("../draft.js").Picture | null) => void} what.onPicture
   * @param {(change: 1 | -1) => void} what.onUploading one upload more, or less
   * @param {() => void} [what.onRemove]
   */
  constructor({ label, hint, prompt, input, field, errors, onPicture, onUploading, onRemove }) {
    Object.assign(this, { label, field, errors, onPicture, onUploading, onRemove });
    this.image = patientImage({ alt: "", hidden: true });
    this.bar = h("span");
    this.progress = h("span", { class: "progress", hidden: true }, this.bar);
    this.hint = h("span", { class: "drop-hint" }, prompt ?? [h("strong", null, label), h("span", { class: "muted small" }, hint)]);
    this.drop = dropTarget({ onFiles: ([file]) => this.take(file), input: { "aria-label": label, ...input } }, this.hint, this.image, this.progress);
    this.caption = h("span", { class: "drop-name small" });
    this.remove = h("button", { class: "button quiet icon", type: "button", hidden: !onRemove, "aria-label": `Remove: ${label}`, title: "Remove", onclick: () => this.clear() }, icon("close"));
    this.retry = h("button", { class: "button", type: "button", hidden: true, "data-testid": "retry", onclick: () => this.take(this.file) }, "Try again");
    this.error = errors.place(field, this.drop.file);
    this.element = h("div", { class: "picture-field" }, this.drop.target, h("div", { class: "drop-line" }, this.caption, this.retry, this.remove), this.error);
    this.uploading = null;
  }

  /** @param {string} label what it is called now */
  setLabel(label) {
    this.label = label;
    this.drop.file.setAttribute("aria-label", label);
    this.remove.setAttribute("aria-label", `Remove: ${label}`);
  }

  /** @param {string} field as errors name it now */
  rename(field) {
    this.field = field;
    this.errors.rename(this.error, field);
  }

  async take(file) {
    this.uploading?.abort();
    const uploading = (this.uploading = new AbortController());
    this.file = file;
    this.errors.set(this.field, "");
    setText(this.caption, file.name);
    this.bar.style.transform = "scaleX(0)";
    this.progress.hidden = false;
    this.retry.hidden = true;
    // What it replaces is still there, but no longer what was chosen.
    this.image.toggleAttribute("data-replaced", true);
    this.remove.hidden = false;
    this.onUploading(1);
    try {
      const picture = await upload(file, (done) => (this.bar.style.transform = `scaleX(${done})`), uploading.signal);
      this.show(picture);
      this.onPicture(picture);
      announce(`${this.label}: uploaded`);
    } catch (error) {
      if (error.name !== "AbortError") {
        this.empty();
        this.errors.set(this.field, `${file.name}: ${error.errors?.[0]?.message ?? error.message}`);
        this.retry.hidden = !error.passing;
        this.remove.hidden = !error.passing && !this.onRemove;
      }
    } finally {
      if (this.uploading === uploading) this.progress.hidden = true;
      this.onUploading(-1);
    }
  }

  /** @param {import("../draft.js").Picture} picture */
  show(picture) {
    this.image.src = pictureUrl(picture.image, 640);
    this.image.alt = `${this.label}: ${picture.name || "chosen"}`;
    this.image.hidden = false;
    this.image.removeAttribute("data-replaced");
    this.hint.hidden = true;
    this.remove.hidden = false;
    setText(this.caption, [picture.name, `${picture.width} × ${picture.height}`].filter(Boolean).join(", "));
  }

  clear() {
    this.uploading?.abort();
    this.errors.set(this.field, "");
    this.empty();
    this.onRemove?.();
  }

  /** Nothing is chosen. A painting whose upload failed stays, with its error, to be chosen again. */
  empty() {
    this.image.hidden = true;
    this.image.removeAttribute("src");
    this.hint.hidden = false;
    this.retry.hidden = true;
    this.remove.hidden = !this.onRemove;
    setText(this.caption, "");
    this.onPicture(null);
  }
}
