/** Errors beside the fields that caused them. */
import { h, setText } from "../dom.js";

let nextId = 0;

export class FieldErrors {
  constructor() {
    /** @type {Map<string, {text: HTMLElement, control: HTMLElement | null, own: boolean}>} */
    this.fields = new Map();
    /** For errors of fields that are not shown. */
    this.other = this.place("form", null);
    this.passing = false;
  }

  /** @param {string} field as the API names it @param {HTMLElement | null} control @returns the place of its error */
  place(field, control) {
    const text = h("p", { class: "error", id: `error-${nextId++}`, role: "alert", "data-testid": `error-${field}` });
    this.fields.set(field, { text, control, own: false });
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

  /** Forget that the server could not be reached. */
  clearPassing() {
    if (this.passing) this.clear();
  }

  /** Forget what the server said. */
  clear() {
    this.passing = false;
    for (const place of this.fields.values()) if (!place.own) show(place, "");
  }

  /** An error that the page found itself; it stays until it is set to "". */
  set(field, message) {
    const place = this.fields.get(field);
    place.own = message !== "";
    show(place, message);
  }

  /** The first control that is there with an error that the page found; null where there is none. */
  firstOwn() {
    return [...this.fields.values()].find(({ own, control }) => own && isThere(control))?.control ?? null;
  }

  /** Show what an answer says. @param {import("../api.js").ApiError} error @param {{focus?: boolean}} options */
  show(error, { focus = false } = {}) {
    this.clear();
    this.passing = error.passing ?? false;
    const unplaced = [];
    let first = null;
    for (const { field, message } of error.errors) {
      const place = this.fields.get(field);
      if (!isThere(place?.control)) unplaced.push(`${field}: ${message}`);
      else {
        show(place, message);
        first ??= place.control;
      }
    }
    if (!error.errors.length) unplaced.push(error.message);
    show(this.fields.get("form"), unplaced.join("; "));
    if (focus && first) {
      first.closest("details")?.setAttribute("open", "");
      first.focus();
    }
  }
}

/** Whether a control is on the page, and not of another kind of picture; a fold may have it. */
const isThere = (control) => Boolean(control && !control.closest("[hidden]"));

function show({ text, control }, message) {
  setText(text, message);
  if (message) control?.setAttribute("aria-invalid", "true");
  else control?.removeAttribute("aria-invalid");
}
