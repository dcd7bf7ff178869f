/** A window in which a mask is painted over a picture. */
import { pictureUrl } from "../api.js";
import { h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { decoded } from "../patient_image.js";
import { Brush } from "./brush.js";
import { BrushStrokes } from "./brush_strokes.js";
import { segments } from "./segments.js";
import { SteadyPicture } from "./steady_picture.js";

/** Longer side of a mask in pixels. */
const SIDE = 1024;

/**
 * @param {HTMLElement} place where the dialog belongs; it goes with it
 * @param {object} what
 * @param {string} what.title @param {string} what.help
 * @param {import("../draft.js").Picture} what.under the picture that is painted over
 * @param {import("../draft.js").Picture | null} what.mask what was painted before
 * @param {string} what.name of the file
 * @param {(file: File | null) => void} what.onDone null if nothing is painted
 */
export async function paintMask(place, { title, help, under, mask, name, onDone }) {
  const scale = Math.min(1, SIDE / Math.max(under.width, under.height));
  const [width, height] = [under.width, under.height].map((side) => Math.max(1, Math.round(side * scale)));
  const picture = new SteadyPicture({});
  // The smaller one is there at once: the form shows it.
  for (const side of [640, SIDE]) picture.show(pictureUrl(under.image, side), "");
  const canvas = h("canvas", { class: "mask", width, height });
  const frame = h("div", {
    class: "paint-frame", tabindex: "0", role: "group", "data-testid": "paint-frame",
    "aria-label": `${help} By keyboard: the arrow keys move the brush, the space bar paints, and Shift with an arrow key draws.`,
  }, picture.element, canvas);
  frame.style.setProperty("--ratio", width / height);
  const note = h("p", { class: "small muted", role: "status" }, help);
  const undo = tool([icon("undo"), "Undo"], "undo", () => strokes.undo());
  const clear = tool("Clear", "clear-mask", () => strokes.clear());
  const invert = tool("Invert", "invert", () => strokes.invert());
  const done = h("button", { class: "button primary", type: "button", "data-testid": "paint-done", onclick: finish }, "Done");
  let erases = false;
  const size = slider("Size", { min: 1, max: 40, value: 10 }, () => brush.showRing());
  const softness = slider("Soft edge", { min: 0, max: 100, value: 30 }, () => {});
  const dialog = h("dialog", { class: "full paint", "aria-label": title, onclose: () => dialog.remove(), oncancel: keepOpen, onkeydown: undoByKey },
    h("div", { class: "full-head" }, h("div", null, h("h2", null, title), note),
      h("span", { class: "row" }, h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Cancel"), done)),
    h("div", { class: "paint-tools" },
      segments("Brush", [["paint", "Paint"], ["erase", "Erase"]], "paint", (choice) => (erases = choice === "erase")),
      size.element, softness.element, h("span", { class: "row" }, undo, invert, clear)),
    h("div", { class: "paint-area" }, frame));
  place.append(dialog);
  dialog.showModal();
  const strokes = new BrushStrokes(canvas);
  const brush = new Brush(frame, strokes, () => ({ size: (size.value() / 100) * Math.max(width, height), softness: softness.value() / 100, erases }), changed);
  changed();
  frame.focus();
  if (mask) await showMask();

  function tool(content, testId, act) {
    const press = () => {
      act();
      changed();
    };
    return h("button", { class: "button", type: "button", "data-testid": testId, onclick: press }, content);
  }

  function changed() {
    undo.disabled = !strokes.strokes.length;
  }

  async function showMask() {
    done.disabled = true;
    const image = await decoded(pictureUrl(mask.image, SIDE), () => dialog.isConnected);
    done.disabled = false;
    if (image) strokes.setBase(image);
    else setText(note, "What was painted before cannot be loaded.");
  }

  async function finish() {
    done.disabled = true;
    const file = await strokes.file(name);
    dialog.close();
    onDone(file);
  }

  /** Escape must not lose what was painted. */
  function keepOpen(event) {
    if (!strokes.strokes.length) return;
    event.preventDefault();
    setText(note, "Choose Done to use the mask, or Cancel to leave it as it was.");
  }

  function undoByKey(event) {
    const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    if (!isUndo || undo.disabled || brush.pointer !== null) return;
    event.preventDefault();
    undo.click();
  }
}

/** A slider in percent. */
function slider(label, { min, max, value }, onChange) {
  const input = h("input", { type: "range", min, max, value: String(value), "data-testid": `brush-${label.split(" ")[0].toLowerCase()}`, oninput: show });
  function show() {
    input.setAttribute("aria-valuetext", `${input.value} %`);
    onChange();
  }
  input.setAttribute("aria-valuetext", `${value} %`);
  return { element: h("label", { class: "paint-slider" }, h("span", { class: "small" }, label), input), value: () => Number(input.value) };
}
