/** Two pictures, side by side or one over the other, zoomed alike. */
import { pictureUrl } from "../api.js";
import { h, oncePerFrame } from "../dom.js";
import { sentence } from "../format.js";
import { icon } from "../icons.js";
import { bestPicture } from "../live/job_state.js";
import { watchJobs } from "../live/watch_jobs.js";
import { differenceTable, placeOf } from "../parts/differences.js";
import { sizeText } from "../parts/progress_text.js";
import { segments } from "../parts/segments.js";
import { split } from "../parts/split.js";
import { SteadyPicture } from "../parts/steady_picture.js";
import { Zoom } from "../parts/zoom.js";
import { jobAddress } from "../route.js";

export async function compareView({ main, route, signal, title }) {
  title("Compare");
  const ids = [route.query.get("a"), route.query.get("b")];
  const show = oncePerFrame(update, signal);
  const jobs = await watchJobs(ids, show, signal);
  if (signal.aborted) return;
  if ([...jobs.values()].includes(null)) return gone(main);

  const pictures = ids.map(() => new SteadyPicture({ class: "pane-picture" }));
  const panes = pictures.map(({ element }) => h("div", { class: "pane" }, element));
  const { range, line } = split(panes[0], "Left and right picture", "compare-slider");
  const area = h("div", {
    class: "panes", tabindex: "0", role: "group",
    "aria-label": "Both pictures. Press + or - to zoom, the arrow keys to move, 0 to see all; or Ctrl and the wheel, or two fingers.",
  }, panes, line, range);
  const size = jobs.get(ids[0]).result ?? jobs.get(ids[0]).started;
  area.style.setProperty("--ratio", size ? size.width / size.height : 1.5);
  const captions = ids.map((id) => h("a", { href: jobAddress(id) }));
  const places = captions.map((link, index) => h("span", null, h("span", { class: "muted" }, placeOf(index), ": "), link));
  const table = h("div");
  const button = (name, label, onclick) => h("button", { class: "button icon", type: "button", "aria-label": label, title: label, onclick }, icon(name));
  main.replaceChildren(
    h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, "Compare"),
      h("span", { class: "row" },
        segments("Show", [["side", "Side by side"], ["split", "Slider"]], "side", setMode),
        button("minus", "Zoom out", () => zoom.out()), button("plus", "Zoom in", () => zoom.in()), button("fit", "See all", () => zoom.reset()))),
    area, h("div", { class: "captions" }, places), table,
  );
  const zoom = new Zoom(area, pictures.map(({ element }) => element));
  setMode("side");
  table.append(differenceTable(...ids.map((id) => jobs.get(id))));
  update();

  function setMode(mode) {
    area.dataset.mode = mode;
    // The slider cuts the left picture only while it lies over the right one.
    panes[0].toggleAttribute("data-whole", mode === "side");
    for (const element of [range, line]) element.hidden = mode === "side";
    zoom.reset();
  }

  function update() {
    const both = ids.map((id) => jobs.get(id));
    if (both.includes(null)) return gone(main);
    both.forEach((job, index) => {
      const digest = bestPicture(job);
      // In full, since it may be zoomed.
      if (digest) pictures[index].show(pictureUrl(digest, Infinity), index ? "The right picture" : "The left picture");
      captions[index].textContent = [job.request && sentence(job.request.preset), job.request?.strength != null && `strength ${job.request.strength}`, sizeText(job)].filter(Boolean).join(", ");
    });
  }
}

function gone(main) {
  main.replaceChildren(h("div", { class: "empty" },
    h("h1", { tabindex: "-1" }, "There are not two pictures to compare"), h("p", { class: "muted" }, "One of them was deleted."), h("a", { class: "button", href: "#/" }, "Show all pictures")));
}
