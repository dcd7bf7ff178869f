/** The presets, each with a picture made with it. */
import { h } from "../dom.js";
import { sentence } from "../format.js";

const pictureOf = (preset) => new URL(`../../presets/${encodeURIComponent(preset)}.jpg`, import.meta.url).href;

/** @param {{name: string, help: string}[]} presets @param {import("../draft.js").Draft} draft */
export function presetCards(presets, draft, errors) {
  const list = h("div", { class: "cards" });
  for (const { name, help } of presets) {
    // Not every server has pictures of its presets.
    const picture = h("img", { src: pictureOf(name), alt: "", onerror: () => picture.remove() });
    list.append(h("label", { class: "card" },
      h("input", { type: "radio", name: "preset", value: name, checked: name === draft.preset, "data-testid": `preset-${name}`, onchange: () => draft.setPreset(name) }),
      picture, h("strong", null, sentence(name)), h("span", { class: "small muted" }, sentence(help))));
  }
  const element = h("fieldset", null, h("legend", { class: "label" }, "Preset"), list, errors.place("preset", list.querySelector("input")));
  /** The draft has changed: each kind of picture has a preset of its own until one is chosen. */
  function update() {
    for (const input of list.querySelectorAll("input")) input.checked = input.value === draft.preset;
  }
  return { element, update };
}
