/** A request in the making. */
import { KINDS, NO_LETTERS } from "./picture_kinds.js";

/**
 * @typedef {{image: string, width: number, height: number, name: string}} Picture an uploaded picture
 * @typedef {Record<string, Picture | null>} FurtherPictures by the names that the API gives them
 * @typedef {{picture: Picture, weight: string, further: FurtherPictures}} StyleDraft
 */

/** Empty stands for 1. */
export const isWeight = (text) => text === "" || (Number.isFinite(Number(text)) && Number(text) >= 0);

const SEAMLESS = "both";

export class Draft {
  /** @param {Awaited<ReturnType<typeof import("./options_catalog.js").optionsCatalog>>} catalog @param {() => void} onChange */
  constructor(catalog, onChange) {
    this.options = new Map(catalog.options.map((option) => [option.name, option]));
    /** What the server says about each kind of picture. */
    this.kinds = new Map((catalog.kinds ?? []).map((kind) => [kind.name, kind]));
    this.onChange = onChange;
    this.kind = KINDS.photo;
    /** The preset that somebody has chosen. @type {string | null} */
    this.chosenPreset = null;
    /** What was changed, as typed. @type {Map<string, string>} */
    this.values = new Map();
    /** @type {Picture | null} */
    this.content = null;
    /** What comes with the photo. @type {FurtherPictures} */
    this.further = {};
    /** @type {StyleDraft[]} */
    this.styles = [];
    /** The size of a texture, as typed. */
    this.texture = { width: "512", height: "512" };
    /** @type {import("./picture_kinds.js").Letters} */
    this.letters = { ...NO_LETTERS };
  }

  /** What the server says about this kind of picture. A painted ground makes letters another kind. */
  get #facts() {
    const name = this.kind === KINDS.letters && this.styles.length > 1 ? "letters_on_a_painting" : this.kind.name;
    return this.kinds.get(name) ?? { preset: "default", defaults: {}, without: [] };
  }

  get preset() {
    return this.chosenPreset ?? this.#facts.preset;
  }

  setPreset(preset) {
    this.chosenPreset = preset;
    // A preset without a strength has weights of its own, which one would replace.
    if (this.default("strength") === null) this.values.delete("strength");
    this.onChange();
  }

  /** @param {import("./picture_kinds.js").Kind} kind */
  setKind(kind) {
    if (kind === this.kind) return;
    // Most textures are tiles; most photos are not.
    if (kind === KINDS.texture && !this.values.has("seamless")) this.values.set("seamless", SEAMLESS);
    else if (this.kind === KINDS.texture && this.isSeamless) this.values.delete("seamless");
    this.kind = kind;
    this.onChange();
  }

  get isSeamless() {
    return this.values.get("seamless") === SEAMLESS;
  }

  setSeamless(on) {
    this.set("seamless", on ? SEAMLESS : "");
  }

  /** @param {string} text empty for the usual value */
  set(name, text) {
    if (text === "") this.values.delete(name);
    else this.values.set(name, text);
    this.onChange();
  }

  default(name) {
    const own = this.#facts.defaults[this.preset]?.[name];
    return own ?? this.options.get(name)?.defaults[this.preset] ?? null;
  }

  /** Whether this kind of picture has the option. */
  offers(name) {
    return !this.#facts.without.includes(name);
  }

  /** Whether there is what the picture is made from, besides paintings. */
  get hasSubject() {
    if (this.kind === KINDS.texture) return true;
    return Boolean(this.kind === KINDS.letters ? this.letters.text.trim() : this.content);
  }

  /** What a new job needs. */
  request() {
    const subject = this.kind === KINDS.photo ? { content: this.content?.image } : this.#drawn();
    return {
      ...this.#choices(),
      ...subject,
      ...digests(this.kind.ofPhoto, this.further),
      styles: this.styles.map(({ picture, weight, further }) => ({
        image: picture.image,
        ...(this.kind === KINDS.letters ? {} : { weight: number(weight || "1") }),
        ...digests(this.kind.ofPainting, further),
      })),
    };
  }

  /** What an estimate needs; null until there are pictures. */
  estimate() {
    if (!this.hasSubject || !this.styles.length) return null;
    return {
      ...this.#choices(),
      ...(this.kind === KINDS.photo ? { content: size(this.content) } : this.#drawn()),
      ...sizes(this.kind.ofPhoto, this.further),
      styles: this.styles.map(({ picture, further }) => ({ ...size(picture), ...sizes(this.kind.ofPainting, further) })),
    };
  }

  /** What a picture of the sheet needs, on which letters are painted; null until there is a text. */
  sheet() {
    if (this.kind !== KINDS.letters || !this.hasSubject) return null;
    const { preset, options: { size } } = this.#choices();
    return { ...this.#drawn(), preset, options: size === undefined ? {} : { size }, styles: this.styles.map(({ picture }) => ({ image: picture.image })) };
  }

  /** What the server draws in place of a photo. */
  #drawn() {
    if (this.kind === KINDS.texture) return { texture: { width: number(this.texture.width), height: number(this.texture.height) } };
    const { text, font, background, ...measures } = this.letters;
    const typed = Object.entries(measures).filter(([, value]) => value !== "").map(([name, value]) => [name, number(value)]);
    return { letters: { text, font: font?.digest ?? null, background: background || null, ...Object.fromEntries(typed) } };
  }

  /** All of it, as plain data. */
  kept() {
    return {
      kind: this.kind.name, preset: this.chosenPreset, values: [...this.values], content: this.content, further: this.further,
      styles: this.styles, texture: this.texture, letters: this.letters,
    };
  }

  /** What is kept of a draft, as far as this server has it; the fields of the pictures put these. */
  restore({ kind = "photo", preset, values, styles = [], texture, letters }) {
    this.kind = KINDS[kind] ?? KINDS.photo;
    this.styles = styles;
    Object.assign(this.texture, texture);
    Object.assign(this.letters, letters);
    if (this.options.get("size")?.defaults[preset] !== undefined) this.chosenPreset = preset;
    const mayBeUsual = (name) => name === "strength" || this.kind !== KINDS.photo;
    const isUsual = (name, text) => mayBeUsual(name) && text === String(this.default(name));
    this.values = new Map(values.filter(([name, text]) => this.options.has(name) && this.offers(name) && !isUsual(name, text)));
  }

  /** A value with the type of its option; texts as typed where they are no number, such as "original". */
  typed(name, text) {
    return ["integer", "number"].includes(this.options.get(name)?.kind) ? number(text) : text;
  }

  #choices() {
    const offered = [...this.values].filter(([name]) => this.offers(name));
    const options = Object.fromEntries(offered.map(([name, text]) => [name, this.typed(name, text)]));
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
  const value = Number(text.replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : text.trim();
}
