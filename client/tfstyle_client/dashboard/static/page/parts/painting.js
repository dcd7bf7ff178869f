/** One painting, its weight among others, and what may come with it. */
import { h, setText } from "../dom.js";
import { isWeight } from "../draft.js";
import { OF_PAINTING } from "../further_pictures.js";
import { FurtherFold } from "./further_fold.js";
import { PictureField } from "./picture_field.js";

export class Painting {
  /**
   * @param {object} what
   * @param {() => import("../draft.js").Picture | null} what.photo
   * @param {import("./field_errors.js").FieldErrors} what.errors
   * @param {(change: 1 | -1) => void} what.onUploading @param {() => void} what.onChange @param {() => void} what.onRemove
   */
  constructor({ photo, errors, onUploading, onChange, onRemove }) {
    this.chosen = null;
    this.weight = "1";
    this.errors = errors;
    this.picture = new PictureField({
      label: "Painting", hint: "", field: `style ${nextKey++}`, errors, onUploading, onRemove,
      onPicture: (picture) => {
        this.chosen = picture;
        this.check();
        onChange();
      },
    });
    this.further = new FurtherFold("Masks", OF_PAINTING, { under: (shape) => (shape === "photo" ? photo() : this.chosen), errors, onUploading, onChange });
    this.weightInput = h("input", { class: "input", inputmode: "decimal", value: "1", oninput: () => {
      this.weight = this.weightInput.value.trim().replace(",", ".");
      errors.set(this.weightField, isWeight(this.weight) ? "" : "must be a number of 0 or more");
      onChange();
    } });
    this.weightError = errors.place(`weight ${nextKey++}`, this.weightInput);
    this.share = h("span", { class: "muted small numbers" });
    this.weightPlace = h("label", { class: "field weight" }, h("span", null, "Weight"), this.weightInput, this.share, this.weightError);
    this.title = h("span", { class: "label", "aria-hidden": "true" });
    this.element = h("div", { class: "painting", role: "group" }, this.title, this.picture.element, this.weightPlace, this.further.element);
    this.check();
  }

  /** @param {import("../draft.js").StyleDraft} style */
  put({ picture, weight, further = {} }) {
    Object.assign(this, { chosen: picture, weight });
    this.picture.show(picture);
    this.weightInput.value = weight;
    this.further.put(further);
    this.check();
  }

  /** Photo or painting have changed. */
  check() {
    this.further.show(Boolean(this.chosen));
    this.further.check();
  }

  forget() {
    for (const error of [this.picture.error, this.weightError]) this.errors.forget(error);
    this.further.forget();
  }

  /**
   * `named`: its label says what it is for; `numbered`: it is one of several that are blended by weight.
   * @param {number} index its place among the paintings @param {string} label
   * @param {{named: boolean, numbered: boolean, further: import("../further_pictures.js").Further[]}} how `further` are the pictures that it may have besides
   */
  arrange(index, label, { named, numbered, further }) {
    this.element.setAttribute("aria-label", numbered ? `${label} ${index + 1}` : label);
    this.picture.setLabel(label);
    setText(this.title, label);
    this.title.hidden = !named;
    this.weightPlace.hidden = !numbered;
    this.further.offer(further);
    this.weightField = `styles[${index}].weight`;
    this.weightInput.dataset.testid = `weight-${index}`;
    this.errors.rename(this.weightError, this.weightField);
    this.picture.rename(`styles[${index}]`);
    this.further.rename(`styles[${index}].`);
  }

  /** @param {number} total of all weights */
  showShare(total) {
    const share = Number(this.weight || "1") / total;
    setText(this.share, Number.isFinite(share) ? `${Math.round(100 * share)} %` : "");
  }
}

let nextKey = 0;
