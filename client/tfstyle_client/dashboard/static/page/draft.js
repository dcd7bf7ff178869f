/** A request in the making. */

/**
 * @typedef {{image: string, width: number, height: number, name: string}} Picture an uploaded picture
 * @typedef {{picture: Picture, weight: string, mask: Picture | null}} StyleDraft
 */

/** As the contract has it. */
export const MOST_STYLES = 8;

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
    /** @type {StyleDraft[]} */
    this.styles = [];
  }

  setPreset(preset) {
    this.preset = preset;
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
      styles: this.styles.map(({ picture, weight, mask }) => ({ image: picture.image, weight: number(weight || "1"), mask: mask?.image ?? null })),
    };
  }

  /** What an estimate needs; null until there are pictures. */
  estimate() {
    if (!this.content || !this.styles.length) return null;
    const size = ({ width, height }) => ({ width, height });
    return { ...this.#choices(), content: size(this.content), styles: this.styles.map(({ picture }) => size(picture)) };
  }

  /** A job's request, to be changed. Its pictures are not included: their sizes have to be found out first. */
  adopt(request) {
    this.preset = request.preset;
    this.values = new Map(Object.entries(request.changed).map(([name, value]) => [name, String(value)]));
    const usual = this.default("strength");
    if (request.strength !== null && request.strength !== usual) this.values.set("strength", String(request.strength));
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

function number(text) {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text.trim();
}
