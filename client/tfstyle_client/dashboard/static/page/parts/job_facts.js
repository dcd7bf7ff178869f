/** What a job is made from and with: pictures, options, network. */
import { pictureUrl } from "../api.js";
import { h } from "../dom.js";
import { age, bytes, duration, moment, sentence, words } from "../format.js";
import { furtherOf, OF_PAINTING, OF_PHOTO } from "../further_pictures.js";
import { valueText } from "../options_catalog.js";
import { patientImage } from "../patient_image.js";
import { copyButton } from "./copy_button.js";

/** @param {[string, any][]} entries */
function factList(entries) {
  return h("dl", { class: "facts" }, entries
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

/** @param {import("../letters_of_job.js").Words | null} words of letters, whose photo is a sheet */
export function inputPictures(request, words) {
  const styles = request.styles;
  const photo = words ? "Sheet" : "Photo";
  const picture = (digest, name, note) =>
    h("figure", { class: "made-from" }, patientImage({ src: pictureUrl(digest, 320), alt: note ? `${name}, ${note}` : name, loading: "lazy" }), h("figcaption", null, name, note && h("span", { class: "muted" }, note)));
  const painting = (index) => (styles.length > 1 ? `Painting ${index + 1}` : "Painting");
  const further = (kinds, of, name) => furtherOf(kinds, of).map(([{ short }, digest]) => picture(digest, name, short));
  return h("section", { class: "panel", "aria-label": "Pictures" },
    h("div", { class: "inputs" },
      request.kind !== "texture" && picture(request.content, photo),
      styles.map((style, index) => picture(style.image, painting(index), styles.length > 1 ? `weight ${style.weight}` : ""))),
    h("div", { class: "inputs-further small" },
      further(OF_PHOTO, request, photo), styles.map((style, index) => further(OF_PAINTING, style, painting(index)))));
}

/** @param {any} request @param {import("../options_catalog.js").Option[]} options */
export function optionFacts(request, options) {
  const defaults = new Map(options.map((option) => [option.name, option.defaults[request.preset]]));
  const changed = Object.entries(request.changed);
  const rest = Object.entries(request.options).filter(([name]) => !(name in request.changed));
  const was = (name) => defaults.has(name) && h("span", { class: "muted" }, ` (preset: ${valueText(defaults.get(name))})`);
  return h("section", { class: "panel" }, h("h2", null, "Options"),
    factList([
      ["preset", sentence(request.preset)],
      ["strength", request.strength],
      ...changed.map(([name, value]) => [words(name), [valueText(value), was(name)]]),
    ]),
    h("details", { class: "fold" }, h("summary", null, `${rest.length} more, as in the preset`),
      factList(rest.map(([name, value]) => [words(name), valueText(value)]))));
}

/** How it is computed; nothing until that is known. */
export function engineFacts(job, words) {
  const { started, result } = job;
  return h("section", { class: "panel" }, h("h2", null, "Computation"),
    started?.warnings.map((warning) => h("p", { class: "notice small" }, warning)),
    factList([
      ["created", h("time", { datetime: job.created, title: age(job.created) }, moment(job.created))],
      ["attempts", job.attempts > 1 && job.attempts],
      ...(started ? engine(started) : []),
      ["file", result && bytes(result.bytes)],
    ].filter(([, value]) => value !== false)),
    // That of letters is of their picture with the ground.
    result && !words && h("div", { class: "row" }, copyButton("Copy the picture's SHA-256", () => result.digest)));
}

function engine(started) {
  const digest = started.digest && h("span", { class: "digest" }, h("code", null, started.digest.slice(0, 12)),
    copyButton("Copy", () => started.digest, { class: "button quiet", "aria-label": "Copy the network's digest" }));
  return [
    ["network", started.network],
    ["origin", started.origin],
    ["note", started.note],
    ["digest", digest],
    ["precision", [started.precision, started.precision_note && h("span", { class: "muted" }, `, ${started.precision_note}`)]],
    ["device", started.device && device(started.device)],
    ["memory", bytes(started.memory)],
    ["tiles", started.tiled && "computed in tiles"],
    ["expected", started.expected && duration(started.expected)],
  ];
}

function device({ name, tf32, repeatable, note }) {
  const text = [name, tf32 && "TF32", !repeatable && "not repeatable"].filter(Boolean).join(", ");
  return [text, note && h("span", { class: "muted" }, `, ${note}`)];
}
