/** A picture in its own pixels, over the whole window, to be zoomed and moved. */
import { h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { decoded } from "../patient_image.js";
import { Zoom } from "./zoom.js";

/** @param {HTMLElement} place where the dialog belongs; it goes with it @param {string} address @param {string} alt */
export async function showFullSize(place, address, alt) {
  const picture = h("img", { class: "pane-picture full-picture", alt, draggable: "false" });
  const percent = h("span", { class: "numbers", role: "status" }, "Loading");
  const area = h("div", {
    class: "full-area", tabindex: "0", role: "group", autofocus: true,
    "aria-label": "The picture. Press + or - to zoom, the arrow keys to move, 0 to see all.",
  }, h("div", { class: "pane full-pane" }, picture));
  const button = (name, label, onclick) => h("button", { class: "button icon", type: "button", "aria-label": label, title: label, onclick }, icon(name));
  const dialog = h("dialog", { class: "full", "aria-label": "The picture in full size", onclose: () => dialog.remove() },
    h("div", { class: "full-head" }, percent,
      h("span", { class: "row" },
        button("minus", "Zoom out", () => zoom.out()), button("plus", "Zoom in", () => zoom.in()),
        h("button", { class: "button", type: "button", onclick: whole }, "Whole"), h("button", { class: "button", type: "button", onclick: own }, "100 %"),
        button("close", "Close", () => dialog.close()))),
    area);
  place.append(dialog);
  dialog.showModal();
  const zoom = new Zoom(area, [picture], { plainWheel: true, onChange: showPercent });

  /** How wide the picture is while nothing is zoomed; never wider than it is. */
  const fitted = () => Math.min(1, area.clientWidth / picture.naturalWidth, area.clientHeight / picture.naturalHeight);
  function whole() {
    zoom.reset();
  }
  function own() {
    zoom.reset();
    zoom.by(1 / fitted());
  }
  function showPercent(scale) {
    if (picture.naturalWidth) setText(percent, `${Math.round(100 * scale * fitted())} %`);
  }

  if (!(await decoded(address, () => dialog.isConnected))) return setText(percent, "The picture cannot be loaded");
  picture.src = address;
  await picture.decode().catch(() => {
    // It was decoded a moment ago.
  });
  own();
}
