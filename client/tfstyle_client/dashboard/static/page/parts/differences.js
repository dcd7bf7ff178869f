/** What differs between the requests of two jobs. */
import { pictureUrl } from "../api.js";
import { h } from "../dom.js";
import { sentence, words } from "../format.js";
import { furtherOf, OF_PAINTING, OF_PHOTO } from "../further_pictures.js";
import { valueText } from "../options_catalog.js";

/** @returns {[string, string, string][]} name, and what it is in each request, as text */
function differences(a, b) {
  const flat = (request) => new Map([
    ["photo", JSON.stringify([request.content, ...furtherOf(OF_PHOTO, request).flatMap(([{ name }, digest]) => [name, digest])])],
    ["paintings", JSON.stringify(request.styles)],
    ["preset", request.preset],
    ["strength", valueText(request.strength)],
    ...Object.entries(request.options).map(([name, value]) => [name, valueText(value)]),
  ]);
  const [of, other] = [flat(a), flat(b)];
  return [...new Set([...of.keys(), ...other.keys()])]
    .map((name) => [name, of.get(name) ?? "none", other.get(name) ?? "none"])
    .filter(([, one, two]) => one !== two);
}

/** Pictures are shown, not named. */
function shown(name, text, request) {
  const further = (kinds, of) => furtherOf(kinds, of).map(([{ short }, digest]) => thumbnail(digest, short));
  if (name === "photo") return [thumbnail(request.content, ""), further(OF_PHOTO, request)];
  if (name !== "paintings") return text;
  return request.styles.map((style) => [thumbnail(style.image, request.styles.length > 1 && `weight ${style.weight}`), further(OF_PAINTING, style)]);
}

const thumbnail = (digest, note) => h("span", { class: "thumbnail" }, h("img", { src: pictureUrl(digest, 160), alt: `Picture ${digest.slice(0, 8)}` }), note);

/** Where a picture is; stacked on a narrow screen. @param {number} index 0 or 1 */
export const placeOf = (index) => [h("span", { class: "place-beside" }, ["Left", "Right"][index]), h("span", { class: "place-stacked" }, ["Upper", "Lower"][index])];

export function differenceTable(a, b) {
  if (!a.request || !b.request) return h("p", { class: "muted" }, "The requests of these pictures are not known.");
  const rows = differences(a.request, b.request);
  if (!rows.length) return h("p", { class: "muted" }, "Both have the same pictures and options.");
  return h("table", { class: "differences numbers" },
    h("caption", null, "What differs"),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Option"), [0, 1].map((index) => h("th", { scope: "col" }, placeOf(index))))),
    h("tbody", null, rows.map(([name, one, two]) => h("tr", null,
      h("th", { scope: "row" }, sentence(words(name))), h("td", null, shown(name, one, a.request)), h("td", null, shown(name, two, b.request))))));
}
