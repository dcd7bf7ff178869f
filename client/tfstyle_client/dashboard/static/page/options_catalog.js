/** The options that the server offers, read once a page. */
import { callUntilReached } from "./api.js";

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {string} group
 * @property {"integer" | "number" | "choice" | "text"} kind
 * @property {string} help
 * @property {string} accepts
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {(string|number)[]} choices
 * @property {string[]} words
 * @property {Record<string, any>} defaults by preset
 */

let read = null;

/** @returns {Promise<{presets: {name: string, help: string}[], groups: {name: string, title: string}[], options: Option[]}>} */
export function optionsCatalog(signal) {
  read ??= callUntilReached("options", { signal }).catch((error) => {
    read = null;
    throw error;
  });
  return read;
}

/** A value as the command line takes it. */
export function valueText(value) {
  if (value === null || value === undefined || value === "") return "none";
  return Array.isArray(value) ? value.join(", ") : String(value);
}
