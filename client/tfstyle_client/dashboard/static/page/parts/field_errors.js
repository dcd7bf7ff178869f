/** Errors beside the fields that caused them. */
import { h, setText } from "../dom.js";

let nextId = 0;

export class FieldErrors {
  constructor() {
    /** @type {Map<string, {text: HTMLElement, control: HTMLElement}>} */
    this.fields = new Map();
    /** For errors of fields that are not shown. */
    this.other = this.place("form", null);
  }

  /** @param {string} field as the API names it @param {HTMLElement | null} control @returns the place of its error */
  place(field, control) {
    const text = h("p", { class: "error", id: `error-${nextId++}`, role: "alert", "data-testid": `error-${field}` });
    this.fields.set(field, { text, control });
    control?.setAttribute("aria-describedby", [control.getAttribute("aria-describedby"), text.id].filter(Boolean).join(" "));
    return text;
  }

  /** The field of a place has another name now. The ids in the page stay. */
  rename(text, field) {
    for (const [name, place] of this.fields) {
      if (place.text !== text || name === field) continue;
      this.fields.delete(name);
      this.fields.set(field, place);
    }
    text.dataset.testid = `error-${field}`;
  }

  forget(text) {
    for (const [name, place] of this.fields) if (place.text === text) this.fields.delete(name);
  }

  clear() {
    for (const field of this.fields.keys()) this.set(field, "");
  }

  set(field, message) {
    const { text, control } = this.fields.get(field);
    setText(text, message);
    if (message) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  }

  /** Show what an answer says. @param {import("../api.js").ApiError} error @param {{focus?: boolean}} options */
  show(error, { focus = false } = {}) {
    this.clear();
    const unplaced = [];
    let first = null;
    for (const { field, message } of error.errors) {
      const place = this.fields.get(field);
      if (!place?.control) unplaced.push(`${field}: ${message}`);
      else {
        this.set(field, message);
        first ??= place.control;
      }
    }
    if (!error.errors.length) unplaced.push(error.message);
    this.set("form", unplaced.join("; "));
    if (focus && first) {
      first.closest("details")?.setAttribute("open", "");
      first.focus();
    }
  }
}
