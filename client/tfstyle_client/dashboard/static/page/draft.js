/** A request in the making. */
import { OF_PAINTING, OF_PHOTO } from "./further_pictures.js";

/**
 * @typedef {{image: string, width: number, height: number, name: string}} Picture an uploaded picture
 * @typedef {Record<string, Picture | null>} FurtherPictures by the names that the API gives them
 * @typedef {{picture: Picture, weight: string, further: FurtherPictures}} StyleDraft
 */

/** As the contract has it. */
export const MOST_STYLES = 8;

/** Empty stands for 1. */
export const isWeight = (text) => text === "" || (Number.isFinite(Number(text)) && Number(text) >= 0);

export class Draft {
  /** @param {{options: import("./options_catalog.js").Option[]}} catalog @param {() => void} onChange */
  constructor(catalog, onChange) {
    this.options = new Map(catalog.options.map((option) => [option.name, option]));
    this.onChange = onChange;
    this.preset = "default";
    /** What was changed, as typed. @type {Map<string, string>} */
    this.values = new Map();
    /** @type {Picture | null} */
    this.content = null;
    /** What comes with the photo. @type {FurtherPictures} */
    this.further = {};
    /** @type {StyleDraft[]} */
    this.styles = [];
  }

  setPreset(preset) {
    this.preset = preset;
    // A preset without a strength has weights of its own, which one would replace.
    if (this.default("strength") === null) this.values.delete("strength");
    this.onChange();
  }

  /** @param {string} text empty for the preset's default */
  set(name, text) {
    if (text === "") this.values.delete(name);
    else this.values.set(name, text);
    this.onChange();
  }

  default(name) {
    return this.options.get(name)?.defaults[this.preset] ?? null;
  }

  /** What a new job needs. */
  request() {
    return {
      ...this.#choices(),
      content: this.content?.image,
      ...digests(OF_PHOTO, this.further),
      styles: this.styles.map(({ picture, weight, further }) => ({ image: picture.image, weight: number(weight || "1"), ...digests(OF_PAINTING, further) })),
    };
  }

  /** What an estimate needs; null until there are pictures. */
  estimate() {
    if (!this.content || !this.styles.length) return null;
    return {
      ...this.#choices(),
      content: size(this.content),
      ...sizes(OF_PHOTO, this.further),
      styles: this.styles.map(({ picture, further }) => ({ ...size(picture), ...sizes(OF_PAINTING, further) })),
    };
  }

  /** All of it, as plain data. */
  kept() {
    return { preset: this.preset, values: [...this.values], content: this.content, further: this.further, styles: this.styles };
  }

  /** The preset and the values of a kept draft, as far as this server has them; the fields of the pictures put these. */
  restore({ preset, values }) {
    if (this.options.get("size")?.defaults[preset] !== undefined) this.preset = preset;
    const isUsual = (name, text) => name === "strength" && text === String(this.default(name));
    this.values = new Map(values.filter(([name, text]) => this.options.has(name) && !isUsual(name, text)));
  }

  /** A value with the type of its option; texts as typed where they are no number, such as "original". */
  typed(name, text) {
    return ["integer", "number"].includes(this.options.get(name)?.kind) ? number(text) : text;
  }

  #choices() {
    const options = Object.fromEntries([...this.values].map(([name, text]) => [name, this.typed(name, text)]));
    const { strength, ...rest } = options;
    return { preset: this.preset, ...(strength === undefined ? {} : { strength }), options: rest };
  }
}

/** @param {Picture} picture */
const size = ({ width, height }) => ({ width, height });

/** @param {import("./further_pictures.js").Further[]} kinds @param {FurtherPictures} pictures */
function sizes(kinds, pictures) {
  return Object.fromEntries(kinds.map(({ name }) => [name, pictures[name] ? size(pictures[name]) : null]));
}

/** @param {import("./further_pictures.js").Further[]} kinds @param {FurtherPictures} pictures */
function digests(kinds, pictures) {
  return Object.fromEntries(kinds.map(({ name }) => [name, pictures[name]?.image ?? null]));
}

function number(text) {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text.trim();
}
