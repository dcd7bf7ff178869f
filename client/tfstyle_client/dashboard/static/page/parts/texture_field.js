/** The size of a texture, and whether its copies fit together. */
import { h } from "../dom.js";

const SIZES = [["512", "512"], ["1024", "1024"], ["1024", "512"]];

export class TextureField {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors */
  constructor(draft, errors) {
    this.draft = draft;
    const side = (name, label) => h("input", {
      class: "input", inputmode: "numeric", autocomplete: "off", "aria-label": label, "data-testid": `texture-${name}`, "aria-describedby": "texture-help",
      oninput: () => this.#set({ ...draft.texture, [name]: this.sides[name].value.trim() }),
    });
    this.sides = { width: side("width", "Width in pixels"), height: side("height", "Height in pixels") };
    this.error = errors.place("texture", this.sides.width);
    this.quick = SIZES.map(([width, height]) => h("button", { type: "button", "data-width": width, "data-height": height, onclick: () => this.#set({ width, height }) }, `${width} × ${height}`));
    this.seamless = h("input", { type: "checkbox", "data-testid": "texture-seamless", onchange: () => draft.setSeamless(this.seamless.checked) });
    this.element = h("fieldset", { class: "texture-field" }, h("legend", { class: "label" }, "Size in pixels"),
      h("div", { class: "texture-sides" }, this.sides.width, h("span", { "aria-hidden": "true" }, "×"), this.sides.height),
      h("div", { class: "segments", role: "group", "aria-label": "Usual sizes" }, this.quick), this.error,
      h("p", { class: "help", id: "texture-help" }, "16 to 8192. A seamless side gets the nearest multiple of 16."),
      h("label", { class: "check" }, this.seamless, h("span", null, "Seamless: copies fit together on all sides")));
    this.update();
  }

  #set(texture) {
    this.draft.texture = texture;
    this.draft.onChange();
  }

  update() {
    for (const [name, input] of Object.entries(this.sides)) if (input.value.trim() !== this.draft.texture[name]) input.value = this.draft.texture[name];
    this.seamless.checked = this.draft.isSeamless;
    const { width, height } = this.draft.texture;
    for (const button of this.quick) button.setAttribute("aria-pressed", String(button.dataset.width === width && button.dataset.height === height));
  }

  focus() {
    this.sides.width.focus();
  }
}
