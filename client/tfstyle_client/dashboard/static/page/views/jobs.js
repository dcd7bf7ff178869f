/** All pictures, newest first. */
import { h, oncePerFrame, setText } from "../dom.js";
import { entry } from "../entry.js";
import { follow } from "../live/follow.js";
import { JobList } from "../live/job_list.js";
import { grouped, sequenceOf } from "../live/sequences.js";
import { JobTile } from "../parts/job_tile.js";
import { SequenceTile } from "../parts/sequence_tile.js";
import { segments } from "../parts/segments.js";
import { compareAddress } from "../route.js";

const FILTERS = [["", "All"], ["queued,running", "In progress"], ["succeeded", "Done"], ["failed,cancelled", "Failed, stopped"]];
const AGE_MILLISECONDS = 30_000;
/** A sequence takes the place of many jobs: so many pages are loaded by themselves until there are enough tiles. */
const ENOUGH_TILES = 12;
const PAGES_BY_ITSELF = 8;

export async function jobsView({ main, route, signal, title }) {
  title("Pictures");
  const filter = route.query.get("state") ?? "";
  const tiles = new Map();
  const grid = h("ul", { class: "tiles", "aria-label": "Pictures" });
  const more = h("button", { class: "button", type: "button", onclick: loadMore }, "Load more");
  const foot = h("div", { class: "tiles-foot", hidden: true }, more);
  const rest = h("div");
  const choice = chooser(tiles);
  main.replaceChildren(
    h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, "Pictures"),
      segments("Show", FILTERS, filter, (value) => (location.hash = value ? `#/?state=${value}` : "#/"))),
    grid, foot, rest, choice.element,
  );

  const list = new JobList(filter ? filter.split(",") : [], oncePerFrame(show, signal), signal, entry.get("pages"));

  function show() {
    const groups = new Map(grouped(list.jobs.values()).map((jobs) => [sequenceOf(jobs[0])?.name ?? jobs[0].id, jobs]));
    for (const [key, tile] of tiles) {
      if (groups.has(key)) continue;
      tile.element.remove();
      tiles.delete(key);
    }
    let before = null;
    for (const [key, jobs] of groups) {
      let tile = tiles.get(key);
      if (!tile) tiles.set(key, (tile = sequenceOf(jobs[0]) ? new SequenceTile(jobs) : new JobTile(jobs[0], choice.choose)));
      else if (sequenceOf(jobs[0])) tile.update(jobs);
      else if (tile.job !== jobs[0]) tile.update(jobs[0]);
      const place = before ? before.nextSibling : grid.firstChild;
      if (place !== tile.element) grid.insertBefore(tile.element, place);
      before = tile.element;
    }
    foot.hidden = !list.next;
    if (list.next && tiles.size < ENOUGH_TILES && list.jobs.size > tiles.size && list.pages < PAGES_BY_ITSELF && !more.disabled) loadMore();
    rest.replaceChildren(...(list.loaded && !list.jobs.size ? [empty(filter)] : []));
    choice.show();
  }

  async function loadMore() {
    more.disabled = true;
    await list.more().finally(() => (more.disabled = false));
    entry.set("pages", list.pages);
  }

  const ages = setInterval(() => tiles.forEach((tile) => tile.showAge()), AGE_MILLISECONDS);
  signal.addEventListener("abort", () => clearInterval(ages));

  let reloading = list.reload();
  follow({
    signal,
    query: () => "jobs",
    async onMessage(event, data) {
      // One after the other, so that an older answer never replaces a newer one.
      if (event === "relist") reloading = reloading.then(() => list.reload());
      await reloading;
      if (event === "job") list.changed(data);
      else if (event === "deleted") list.deleted(data.id);
    },
  });
  await reloading;
  if (entry.get("scroll")) await wholeHeight();

  /** Tiles out of sight have an assumed height until they were drawn once. */
  async function wholeHeight() {
    show();
    grid.toggleAttribute("data-whole", true);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    grid.removeAttribute("data-whole");
  }
}

function empty(filter) {
  return h("div", { class: "empty" },
    h("h2", null, filter ? "No pictures here" : "No pictures yet"),
    h("p", { class: "muted" }, filter ? "Nothing is in this state now." : "Choose a photo and a painting; tfstyle repaints the photo in the painting's style."),
    filter ? h("a", { class: "button", href: "#/" }, "Show all") : h("a", { class: "button primary", href: "#/new" }, "Make a picture"));
}

/** Two pictures to compare. */
function chooser(tiles) {
  let chosen = [];
  const text = h("span", { role: "status" });
  const open = h("a", { class: "button primary" }, "Compare");
  const element = h("div", { class: "chooser", hidden: true }, text, open, h("button", { class: "button", type: "button", onclick: () => set([]) }, "Clear"));

  function set(ids) {
    chosen = ids;
    show();
  }
  function show() {
    chosen = chosen.filter((id) => tiles.has(id));
    for (const [id, tile] of tiles) {
      if (!tile.box) continue;
      tile.box.checked = chosen.includes(id);
      tile.element.toggleAttribute("data-chosen", chosen.includes(id));
    }
    element.hidden = !chosen.length;
    setText(text, chosen.length === 1 ? "Choose another picture to compare" : "2 pictures chosen");
    open.hidden = chosen.length !== 2;
    if (chosen.length === 2) open.href = compareAddress(...chosen);
  }
  return {
    element,
    show,
    /** The one before the last gives way to a third. */
    choose: (id, on) => set(on ? [...chosen, id].slice(-2) : chosen.filter((other) => other !== id)),
  };
}
