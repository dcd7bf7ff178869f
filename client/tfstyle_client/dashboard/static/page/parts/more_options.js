/** All other options, in the groups that the server names. */
import { h, setText } from "../dom.js";
import { OptionField } from "./option_field.js";

/** @param {string[]} without options that have a field elsewhere */
export function moreOptions(catalog, draft, errors, without) {
  const fields = [];
  const groups = catalog.groups.map(({ name, title }) => {
    const own = catalog.options.filter((option) => option.group === name && !without.includes(option.name)).map((option) => new OptionField(option, draft, errors));
    fields.push(...own);
    return own.length > 0 && h("fieldset", { class: "option-group" }, h("legend", { class: "label" }, title), h("div", { class: "option-grid" }, own.map(({ element }) => element)));
  });
  const count = h("span", { class: "muted" });
  const element = h("details", { class: "fold more-options" }, h("summary", null, "More options", count), groups);
  function showCount() {
    for (const { option, element } of fields) element.hidden = !draft.offers(option.name);
    const changed = fields.filter(({ option }) => draft.values.has(option.name) && draft.offers(option.name)).length;
    setText(count, changed ? `${changed} changed` : "");
  }
  showCount();
  return { element, fields, showCount };
}
