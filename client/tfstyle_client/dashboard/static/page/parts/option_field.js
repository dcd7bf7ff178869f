/** The field of one option, made from what the server says about it. */
import { h, setText } from "../dom.js";
import { sentence, words } from "../format.js";
import { icon } from "../icons.js";
import { valueText } from "../options_catalog.js";

export class OptionField {
  /**
   * @param {import("../options_catalog.js").Option} option
   * @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors
   * @param {{label?: string, quick?: string[]}} more `quick` are values to choose by one click
   */
  constructor(option, draft, errors, { label = sentence(words(option.name)), quick = [] } = {}) {
    this.option = option;
    this.draft = draft;
    const id = `option-${option.name}`;
    const help = h("p", { class: "help", id: `${id}-help` }, helpText(option));
    const props = { id, "data-testid": id, "aria-describedby": help.id };
    this.control = option.kind === "choice" ? this.#select(props) : this.#input(props);
    this.reset = resetButton(label, () => {
      draft.set(option.name, "");
      this.control.focus();
    });
    this.quick = quick.map((value) => h("button", { type: "button", "data-value": value, onclick: () => draft.set(option.name, value) }, value));
    const controls = quick.length
      ? h("div", { class: "with-quick" }, this.control, h("span", { class: "segments", role: "group", "aria-label": `${label}, usual values` }, this.quick))
      : this.control;
    this.element = h("div", { class: "field" },
      h("div", { class: "field-head" }, h("label", { for: id }, label), this.reset), controls, errors.place(option.name, this.control), help);
    this.update();
  }

  #input(props) {
    const numeric = this.option.kind !== "text" && !this.option.words.length;
    return h("input", {
      class: "input", type: "text", autocomplete: "off", spellcheck: "false", inputmode: numeric ? "decimal" : null, ...props,
      oninput: () => this.draft.set(this.option.name, this.control.value.trim()),
    });
  }

  #select(props) {
    this.usual = h("option", { value: "" });
    const choices = this.option.choices.map((choice) => h("option", { value: String(choice) }, String(choice)));
    return h("select", { class: "select", ...props, onchange: () => this.draft.set(this.option.name, this.control.value) }, this.usual, choices);
  }

  update() {
    const value = this.draft.values.get(this.option.name) ?? "";
    const usual = valueText(this.draft.default(this.option.name));
    if (this.control.value.trim() !== value) this.control.value = value;
    if (this.usual) setText(this.usual, `${usual} (preset)`);
    else this.control.placeholder = usual;
    this.reset.hidden = value === "";
    for (const button of this.quick) button.setAttribute("aria-pressed", String(button.dataset.value === (value || usual)));
  }
}

/** @param {string} label of the field */
export function resetButton(label, onclick) {
  return h("button", { class: "button quiet reset", type: "button", hidden: true, "aria-label": `Reset: ${label}`, title: "Back to the preset's value", onclick }, icon("undo"), "Reset");
}

function helpText({ help, accepts, kind, choices }) {
  const range = kind === "choice" && choices.length ? "" : `; ${accepts}`;
  return `${sentence(help)}${accepts ? range : ""}`;
}
