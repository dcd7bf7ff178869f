/** A result whose options the form takes: its file says how it was made. */
import { call } from "../api.js";
import { announce, h } from "../dom.js";

export class ResultFile {
  /**
   * @param {import("./field_errors.js").FieldErrors} errors
   * @param {AbortSignal} signal
   * @param {(draft: {preset: string, values: [string, string][], kind: string, texture?: {width: string, height: string}}) => void} onOptions
   */
  constructor(errors, signal, onOptions) {
    Object.assign(this, { errors, signal, onOptions });
    this.input = h("input", { type: "file", accept: "image/*", hidden: true, "data-testid": "file-result", onchange: () => this.take(this.input.files[0]) });
    this.button = h("button", { class: "button quiet", type: "button", title: "Take the options of a picture that tfstyle has made", onclick: () => this.input.click() }, "Options of a result");
    this.element = h("span", null, this.button, this.input);
  }

  async take(file) {
    this.input.value = "";
    if (!file) return;
    this.errors.clear();
    try {
      const { kind, preset, strength, changed, pictures } = await call("provenance", { method: "POST", body: file, signal: this.signal });
      const values = Object.entries(changed).map(([name, value]) => [name, String(value)]);
      if (strength !== null) values.push(["strength", String(strength)]);
      const canvas = kind === "texture" && pictures.find(({ name }) => name === "content");
      this.onOptions({ preset, values, kind, ...(canvas && { texture: { width: String(canvas.width), height: String(canvas.height) } }) });
      announce(`The options are those of ${file.name}`);
    } catch (error) {
      if (!this.signal.aborted) this.errors.show(error, { focus: true });
    }
  }
}
