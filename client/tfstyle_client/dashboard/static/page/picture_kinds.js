/** What can be made: a photo painted, a texture without one, letters. */
import { OF_PAINTING, OF_PHOTO } from "./further_pictures.js";

/**
 * @typedef {object} Kind
 * @property {string} name @property {string} label
 * @property {import("./further_pictures.js").Further[]} ofPhoto @property {import("./further_pictures.js").Further[]} ofPainting what its pictures may have besides
 * @property {number} mostStyles
 * @property {string[]} paintings what each painting is for; the last one is that of all others
 * @property {string} missing what to choose before there is an estimate
 */

/** @type {Record<string, Kind>} */
export const KINDS = {
  photo: {
    name: "photo", label: "Photo", ofPhoto: OF_PHOTO, ofPainting: OF_PAINTING, mostStyles: 8, paintings: ["Painting"],
    missing: "Choose a photo and a painting to see time and memory.",
  },
  texture: {
    name: "texture", label: "Texture", ofPhoto: [], ofPainting: OF_PAINTING.filter(({ name }) => name === "mask"), mostStyles: 8, paintings: ["Painting"],
    missing: "Choose a painting to see time and memory.",
  },
  letters: {
    name: "letters", label: "Letters", ofPhoto: [], ofPainting: [], mostStyles: 2, paintings: ["Painting of the letters", "Painting of the ground"],
    missing: "Write something and choose a painting to see time and memory.",
  },
};

/** @typedef {{text: string, font: {digest: string, name: string} | null} & Record<"reach" | "tracking" | "bold" | "margin" | "background", string>} Letters as typed */

/** @type {Letters} */
export const NO_LETTERS = { text: "", font: null, reach: "", tracking: "", bold: "", margin: "", background: "" };
