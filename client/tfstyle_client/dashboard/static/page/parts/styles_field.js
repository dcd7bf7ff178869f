/** The paintings: one or several. */
import { h, setText } from "../dom.js";
import { dropTarget } from "./drop_target.js";
import { Painting } from "./painting.js";

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
    const most = this.draft.kind.mostStyles;
    const free = most - this.paintings.length;
    this.errors.set("styles", "");
    setText(this.note, files.length > free ? `Only ${most} paintings are taken; left out: ${files.slice(free).map(({ name }) => name).join(", ")}` : "");
    for (const file of files.slice(0, free)) this.#painting().picture.take(file);
  }

  /** @param {import("../draft.js").StyleDraft} style */
  put(style) {
    this.#painting().put(style);
    this.#changed();
  }

  /** What is made is of another kind, for which there may be too many paintings. */
  setKind() {
    for (const painting of this.paintings.splice(this.draft.kind.mostStyles)) painting.forget();
    setText(this.note, "");
    this.#arrange();
    this.#changed();
  }

  /** The photo is another one. */
  check() {
    for (const painting of this.paintings) painting.check();
  }

  #painting() {
    const painting = new Painting({
      photo: () => this.draft.content, errors: this.errors, onUploading: this.onUploading,
      onChange: () => this.#changed(), onRemove: () => this.#remove(painting),
    });
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
    const { paintings: names, mostStyles, ofPainting } = this.draft.kind;
    const named = names.length > 1;
    const numbered = count > 1 && !named;
    this.paintings.forEach((painting, index) => painting.arrange(index, names[index] ?? names.at(-1), { named, numbered, further: ofPainting }));
    this.list.replaceChildren(...this.paintings.map(({ element }) => element));
    this.list.dataset.several = String(count > 1);
    this.title.textContent = count && !named ? "Add another painting" : (names[count] ?? names.at(-1));
    this.add.target.toggleAttribute("data-compact", count > 0);
    this.add.target.hidden = count >= mostStyles;
  }

  #changed() {
    const chosen = this.paintings.filter((painting) => painting.chosen);
    const total = chosen.reduce((sum, { weight }) => sum + Number(weight || "1"), 0);
    for (const painting of chosen) painting.showShare(total);
    this.draft.styles = chosen.map(({ chosen: picture, weight, further }) => ({ picture, weight, further: further.values }));
    this.draft.onChange();
  }
}
