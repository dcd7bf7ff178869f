/** The text of letters, their font and shape, and the sheet that is drawn from them. */
import { h } from "../dom.js";
import { FontField } from "./font_field.js";
import { SheetPreview } from "./sheet_preview.js";

const MOST_CHARACTERS = 200;
/** On a flat ground, and on a painted one. */
const USUAL_REACH = ["0.12", "0.04"];
/** As the API names them. */
const SHAPE = [
  { name: "reach", label: "Reach", help: "How far the painting may grow beyond the letters: 0 to 0.5 of the font size", usual: USUAL_REACH[0] },
  { name: "tracking", label: "Space between letters", help: "Beside what the font has: 0 to 1 of the font size", usual: "by reach and bold" },
  { name: "bold", label: "Bold", help: "Widens the letters on each side: 0 to 0.1 of the font size", usual: "0; more for the usual font" },
  { name: "margin", label: "Margin", help: "Free space around: 0 to 2 of the font size", usual: "0.1" },
  { name: "background", label: "Background", help: "A colour, such as white or #20242c; not with a painted ground", usual: "transparent" },
];

export class LettersField {
  /**
   * @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors
   * @param {(change: 1 | -1) => void} onUploading
   */
  constructor(draft, errors, onUploading, signal) {
    this.draft = draft;
    this.text = h("textarea", {
      class: "input letters-text", rows: "2", maxlength: String(MOST_CHARACTERS), id: "letters-text", "data-testid": "letters-text", placeholder: "Your words",
      oninput: () => {
        errors.set("letters.text", "");
        this.#set("text", this.text.value);
      },
    });
    this.font = new FontField(errors, onUploading, (font) => this.#set("font", font));
    this.shape = SHAPE.map((shape) => this.#shapeField(shape, errors));
    this.preview = new SheetPreview(draft, errors, signal);
    this.element = h("div", { class: "letters-field" },
      h("div", { class: "field" }, h("label", { for: "letters-text" }, "Text"), this.text, errors.place("letters.text", this.text)),
      this.preview.element, this.font.element,
      h("details", { class: "fold" }, h("summary", null, "Shape of the letters"), h("div", { class: "letters-shape" }, this.shape.map(({ element }) => element))));
    this.put();
  }

  #shapeField({ name, label, help, usual }, errors) {
    const id = `letters-${name}`;
    const input = h("input", {
      class: "input", id, autocomplete: "off", spellcheck: "false", inputmode: name === "background" ? null : "decimal", placeholder: usual, "data-testid": id,
      oninput: () => this.#set(name, input.value.trim()),
    });
    const note = h("p", { class: "help", id: `${id}-help` }, help);
    input.setAttribute("aria-describedby", note.id);
    return { name, input, element: h("div", { class: "field" }, h("label", { for: id }, label), input, errors.place(`letters.${name}`, input), note) };
  }

  #set(name, value) {
    this.draft.letters = { ...this.draft.letters, [name]: value };
    this.draft.onChange();
  }

  /** What the draft has. */
  put() {
    this.text.value = this.draft.letters.text;
    this.font.put(this.draft.letters.font);
    for (const { name, input } of this.shape) input.value = this.draft.letters[name];
  }

  /** The draft has changed. */
  update() {
    this.shape[0].input.placeholder = USUAL_REACH[this.draft.styles.length > 1 ? 1 : 0];
    this.preview.later();
  }

  focus() {
    this.text.focus();
  }
}
