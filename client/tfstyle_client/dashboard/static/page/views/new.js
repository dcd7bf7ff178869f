/** A new picture. */
import { call } from "../api.js";
import { h, setText, withoutEnter } from "../dom.js";
import { Draft } from "../draft.js";
import { entry } from "../entry.js";
import { plural } from "../format.js";
import { keepDraft } from "../kept_draft.js";
import { optionsCatalog } from "../options_catalog.js";
import { takeAnywhere } from "../parts/drop_target.js";
import { Estimate } from "../parts/estimate.js";
import { FieldErrors } from "../parts/field_errors.js";
import { GridFields } from "../parts/grid_fields.js";
import { mainOptions } from "../parts/main_options.js";
import { moreOptions } from "../parts/more_options.js";
import { PhotoField } from "../parts/photo_field.js";
import { presetCards } from "../parts/preset_cards.js";
import { ResultFile } from "../parts/result_file.js";
import { StylesField } from "../parts/styles_field.js";
import { gridAddress, jobAddress } from "../route.js";
import { startingPoint } from "../starting_point.js";

export async function newView({ main, route, signal, title, again }) {
  title("New picture");
  const catalog = await optionsCatalog(signal);
  const from = route.query.get("from");
  const beginning = await startingPoint(from, signal);
  signal.throwIfAborted();

  const errors = new FieldErrors();
  const draft = new Draft(catalog, changed);
  if (beginning) draft.restore(beginning);
  const estimate = new Estimate(draft, errors, signal);
  const styles = new StylesField(draft, errors, onUploading);
  const photo = new PhotoField(draft, errors, onUploading, () => styles.check());
  const main3 = mainOptions(draft, errors);
  const more = moreOptions(catalog, draft, errors, main3.map(({ option: { name } }) => name));
  const grid = new GridFields(draft, errors, () => {
    showStart();
    keep();
  });
  const start = h("button", { class: "button primary start", "data-testid": "start" });
  const resultFile = new ResultFile(errors, signal, (values) => {
    keepDraft({ ...draft.kept(), ...values, grid: grid.kept(), from: null });
    if (from) location.hash = "#/new";
    else again();
  });
  let uploads = 0;
  let ready = false;

  main.replaceChildren(
    h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, from ? "Again with changes" : "New picture"),
      h("div", { class: "row" }, resultFile.element,
        h("button", { class: "button quiet", type: "button", "data-testid": "clear", onclick: empty }, "Clear"))),
    h("form", { class: "new", onsubmit: submit, onkeydown: withoutEnter, novalidate: true },
      h("div", { class: "new-fields" },
        h("div", { class: "pictures" }, photo.element, styles.element),
        presetCards(catalog.presets, draft, errors),
        h("div", { class: "main-options" }, main3.map(({ element }) => element)),
        grid.element, more.element),
      h("aside", { class: "new-side", "aria-label": "Start" }, estimate.element, errors.other, start)),
  );
  takeAnywhere((files) => {
    const rest = draft.content ? files : files.slice(1);
    if (!draft.content) photo.take(files[0]);
    if (rest.length) styles.take(rest);
  }, signal);
  document.addEventListener("in-reach", () => {
    errors.clearPassing();
    estimate.later();
  }, { signal });
  showStart();
  if (beginning) putPictures();
  ready = true;
  changed();
  if (from) entry.set("begun", true);

  function changed() {
    for (const field of [...main3, ...more.fields]) field.update();
    more.showCount();
    estimate.later();
    keep();
  }

  /** Not before it is restored, and not once another view is shown. */
  function keep() {
    if (ready && !signal.aborted) keepDraft({ ...draft.kept(), grid: grid.kept(), from: from ?? beginning?.from ?? null });
  }

  function putPictures() {
    photo.put(beginning);
    for (const style of beginning.styles) styles.put(style);
    if (beginning.grid) grid.restore(beginning.grid);
  }

  function empty() {
    keepDraft(null);
    if (from) location.hash = "#/new";
    else again();
  }

  function onUploading(change) {
    uploads += change;
    showStart();
  }

  function showStart() {
    start.disabled = uploads > 0;
    estimate.setPictures(grid.pictures);
    setText(start, uploads ? "Loading pictures" : grid.wanted ? `Start ${plural(grid.pictures, "picture")}` : "Start");
  }

  async function submit(event) {
    event.preventDefault();
    errors.clear();
    if (!complete()) return;
    start.disabled = true;
    try {
      if (grid.wanted) await startGrid();
      else location.hash = jobAddress((await call("jobs", { method: "POST", body: draft.request(), signal })).id);
    } catch (error) {
      if (!signal.aborted) errors.show(grid.placed(error), { focus: true });
    } finally {
      showStart();
    }
  }

  /** @returns whether there is all that a request needs; says what is missing */
  function complete() {
    if (!draft.styles.length) errors.set("styles", "Choose a painting.");
    if (!draft.content) errors.set("content", "Choose a photo.");
    if (!draft.content) photo.focus();
    else if (!draft.styles.length) styles.add.file.focus();
    if (!draft.content || !draft.styles.length || (grid.wanted && !grid.check())) return false;
    const wrong = errors.firstOwn();
    wrong?.closest("details")?.setAttribute("open", "");
    wrong?.focus();
    return !wrong;
  }

  async function startGrid() {
    const axes = grid.axesOfRequest();
    const { jobs } = await call("grids", { method: "POST", body: { ...draft.request(), ...axes }, signal });
    location.hash = gridAddress(jobs, axes.rows, axes.columns);
  }
}
