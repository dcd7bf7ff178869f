/** The font of letters: the usual one, or a file. */
import { call } from "../api.js";
import { announce, h, setText } from "../dom.js";

const ACCEPT = ".ttf,.otf,.ttc,.woff,.woff2,font/ttf,font/otf,font/woff,font/woff2,font/collection";
const USUAL = "Usual font, which has English letters";

export class FontField {
  /**
   * @param {import("./field_errors.js").FieldErrors} errors @param {(change: 1 | -1) => void} onUploading
   * @param {(font: {digest: string, name: string} | null) => void} onFont
   */
  constructor(errors, onUploading, onFont) {
    Object.assign(this, { errors, onUploading, onFont });
    this.input = h("input", { type: "file", accept: ACCEPT, hidden: true, "data-testid": "file-font", onchange: () => this.take(this.input.files[0]) });
    this.choose = h("button", { class: "button", type: "button", "aria-describedby": "font-name", onclick: () => this.input.click() }, "Choose a font file");
    this.usual = h("button", { class: "button quiet", type: "button", hidden: true, onclick: () => this.clear() }, "Usual font");
    this.name = h("span", { class: "muted small", id: "font-name", "data-testid": "font-name" }, USUAL);
    this.element = h("div", { class: "field", role: "group", "aria-label": "Font" },
      h("div", { class: "row" }, this.choose, this.usual, this.input), this.name, errors.place("letters.font", this.choose));
    this.taking = null;
  }

  async take(file) {
    this.input.value = "";
    if (!file) return;
    this.taking?.abort();
    const taking = (this.taking = new AbortController());
    this.errors.set("letters.font", "");
    setText(this.name, `Loading ${file.name}`);
    this.onUploading(1);
    try {
      const { font, family, style } = await call("fonts", { method: "POST", body: file, signal: taking.signal });
      const name = [family, style].filter(Boolean).join(" ") || file.name;
      this.put({ digest: font, name });
      this.onFont({ digest: font, name });
      announce(`The font is ${name}`);
    } catch (error) {
      if (taking.signal.aborted) return;
      this.put(null);
      this.onFont(null);
      this.errors.set("letters.font", `${file.name}: ${error.errors?.[0]?.message ?? error.message}`);
    } finally {
      this.onUploading(-1);
    }
  }

  clear() {
    this.taking?.abort();
    this.errors.set("letters.font", "");
    this.put(null);
    this.onFont(null);
    this.choose.focus();
  }

  /** @param {{digest: string, name: string} | null} font */
  put(font) {
    setText(this.name, font ? font.name : USUAL);
    this.usual.hidden = !font;
  }
}
