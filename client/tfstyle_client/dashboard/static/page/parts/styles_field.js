/** The paintings: one or several, each with a weight and a mask. */
import { h, setText } from "../dom.js";
import { isWeight, MOST_STYLES } from "../draft.js";
import { pixels } from "../format.js";
import { dropTarget } from "./drop_target.js";
import { PictureField } from "./picture_field.js";

export class StylesField {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
  constructor(draft, errors, onUploading) {
    Object.assign(this, { draft, errors, onUploading });
    /** @type {Painting[]} */
    this.paintings = [];
    this.add = dropTarget({ onFiles: (files) => this.take(files), input: { multiple: true, id: "file-style", "data-testid": "file-style", "aria-label": "Paintings" } },
      h("span", { class: "drop-hint" }, (this.title = h("strong")), h("span", { class: "muted small" }, "Drop, paste or choose one or several")));
    this.missing = errors.place("styles", this.add.file);
    this.note = h("p", { class: "error", role: "status" });
    this.list = h("div", { class: "paintings" });
    this.element = h("div", { class: "styles-field" }, this.list, this.add.target, this.note, this.missing);
    this.#arrange();
  }

  take(files) {
    const free = MOST_STYLES - this.paintings.length;
    this.errors.set("styles", "");
    setText(this.note, files.length > free ? `Only ${MOST_STYLES} paintings are taken; left out: ${files.slice(free).map(({ name }) => name).join(", ")}` : "");
    for (const file of files.slice(0, free)) this.#painting().picture.take(file);
  }

  /** @param {import("../draft.js").StyleDraft} style */
  put(style) {
    this.#painting().put(style);
    this.#changed();
  }

  #painting() {
    const painting = new Painting(this.errors, this.onUploading, () => this.#changed(), () => this.#remove(painting));
    this.paintings.push(painting);
    this.#arrange();
    return painting;
  }

  #remove(painting) {
    this.paintings = this.paintings.filter((other) => other !== painting);
    painting.forget();
    setText(this.note, "");
    this.#arrange();
    this.#changed();
    this.add.file.focus();
  }

  /** Fields are named by their place, which changes as others are removed. */
  #arrange() {
    const count = this.paintings.length;
    this.paintings.forEach((painting, index) => painting.arrange(index, count > 1));
    this.list.replaceChildren(...this.paintings.map(({ element }) => element));
    this.list.dataset.several = String(count > 1);
    this.title.textContent = count ? "Add another painting" : "Painting";
    this.add.target.toggleAttribute("data-compact", count > 0);
    this.add.target.hidden = count >= MOST_STYLES;
  }

  #changed() {
    const chosen = this.paintings.filter((painting) => painting.chosen);
    this.draft.styles = chosen.map(({ chosen: picture, weight, mask }) => ({ picture, weight, mask }));
    this.draft.onChange();
  }
}

/** One painting. */
class Painting {
  constructor(errors, onUploading, onChange, onRemove) {
    this.chosen = null;
    this.weight = "1";
    this.mask = null;
    this.errors = errors;
    this.picture = new PictureField({
      label: "Painting", hint: "", field: `style ${nextKey++}`, errors, onUploading, onRemove,
      onPicture: (picture) => {
        this.chosen = picture;
        this.#checkMask();
        onChange();
      },
    });
    this.maskField = new PictureField({
      label: "Mask", hint: "Only its white areas lend their style", field: `mask ${nextKey++}`, errors, onUploading,
      onPicture: (mask) => {
        this.mask = mask;
        this.#checkMask();
        onChange();
      },
    });
    this.weightInput = h("input", { class: "input", inputmode: "decimal", value: "1", oninput: () => {
      this.weight = this.weightInput.value.trim().replace(",", ".");
      errors.set(this.weightField, isWeight(this.weight) ? "" : "must be a number of 0 or more");
      onChange();
    } });
    this.weightError = errors.place(`weight ${nextKey++}`, this.weightInput);
    this.weightPlace = h("label", { class: "field weight" }, h("span", null, "Weight"), this.weightInput, this.weightError);
    this.element = h("div", { class: "painting" }, this.picture.element, this.weightPlace,
      (this.fold = h("details", { class: "fold" }, h("summary", null, "Mask"), this.maskField.element)));
  }

  put({ picture, weight, mask }) {
    Object.assign(this, { chosen: picture, weight, mask });
    this.picture.show(picture);
    this.weightInput.value = weight;
    if (mask) this.maskField.show(mask);
    this.#checkMask();
  }

  /** It lies over the painting, so that both need the same shape. */
  #checkMask() {
    if (!this.chosen || !this.mask) return;
    const ratio = ({ width, height }) => width / height;
    const differ = Math.abs(ratio(this.mask) / ratio(this.chosen) - 1) > MOST_DIFFERENCE;
    this.errors.set(this.maskField.field, differ ? `must have the shape of the painting, ${pixels(this.chosen.width, this.chosen.height)}` : "");
    if (differ) this.fold.open = true;
  }

  forget() {
    for (const error of [this.picture.error, this.maskField.error, this.weightError]) this.errors.forget(error);
  }

  /** @param {number} index its place among the paintings */
  arrange(index, several) {
    this.weightPlace.hidden = !several;
    this.errors.rename(this.picture.error, `styles[${index}]`);
    this.errors.rename(this.maskField.error, `styles[${index}].mask`);
    this.errors.rename(this.weightError, `styles[${index}].weight`);
    this.picture.field = `styles[${index}]`;
    this.maskField.field = `styles[${index}].mask`;
    this.weightField = `styles[${index}].weight`;
  }
}

/** Of the ratios of width to height, as the server has it. */
const MOST_DIFFERENCE = 0.02;

let nextKey = 0;
