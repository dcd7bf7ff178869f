/** What a photo, or a painting, may have besides, folded away: most pictures need none of it. */
import { h, setText } from "../dom.js";
import { FurtherPicture } from "./further_picture.js";

export class FurtherFold {
  /**
   * @param {string} label @param {import("../further_pictures.js").Further[]} kinds
   * @param {object} what as for `FurtherPicture`, but
   * @param {(shape: "photo" | "painting") => import("../draft.js").Picture | null} what.under
   */
  constructor(label, kinds, { under, ...what }) {
    this.pictures = kinds.map((kind) => new FurtherPicture(kind, {
      ...what, under: () => under(kind.shape),
      onChange: () => {
        this.#show();
        what.onChange();
      },
    }));
    this.count = h("span", { class: "muted" });
    this.element = h("details", { class: "fold" }, h("summary", null, label, this.count), h("div", { class: "further-list" }, this.pictures.map(({ element }) => element)));
    this.errors = what.errors;
    this.wanted = false;
    this.nothing = false;
  }

  /** @returns {Record<string, import("../draft.js").Picture | null>} by name */
  get values() {
    return Object.fromEntries(this.pictures.map(({ kind, picture }) => [kind.name, picture]));
  }

  /** @param {Record<string, import("../draft.js").Picture | null>} values */
  put(values) {
    for (const each of this.pictures) each.put(values[each.kind.name]);
    this.element.open ||= this.pictures.some(({ picture }) => picture);
    this.#show();
  }

  /** @param {import("../further_pictures.js").Further[]} kinds those that there may be now */
  offer(kinds) {
    for (const { kind, element } of this.pictures) element.hidden = !kinds.includes(kind);
    this.nothing = !kinds.length;
    this.show(this.wanted);
  }

  /** @param {boolean} wanted whether there is what they go with */
  show(wanted) {
    this.wanted = wanted;
    this.element.hidden = !wanted || this.nothing;
  }

  /** What they lie over has changed. */
  check() {
    for (const each of this.pictures) each.check();
    if (this.pictures.some(({ field }) => field.error.textContent)) this.element.open = true;
  }

  /** @param {string} prefix of their fields' names */
  rename(prefix) {
    for (const each of this.pictures) each.rename(prefix + each.kind.name);
  }

  forget() {
    for (const { field } of this.pictures) this.errors.forget(field.error);
  }

  #show() {
    const chosen = this.pictures.filter(({ picture }) => picture).length;
    setText(this.count, chosen ? `${chosen} chosen` : "");
  }
}
