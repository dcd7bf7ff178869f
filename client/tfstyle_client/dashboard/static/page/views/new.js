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
import { LettersField } from "../parts/letters_field.js";
import { mainOptions } from "../parts/main_options.js";
import { moreOptions } from "../parts/more_options.js";
import { PhotoField } from "../parts/photo_field.js";
import { presetCards } from "../parts/preset_cards.js";
import { ResultFile } from "../parts/result_file.js";
import { segments } from "../parts/segments.js";
import { StylesField } from "../parts/styles_field.js";
import { TextureField } from "../parts/texture_field.js";
import { KINDS } from "../picture_kinds.js";
import { gridAddress, jobAddress } from "../route.js";
import { startingPoint } from "../starting_point.js";

/** {kind of picture: [field, what is wrong]} */
const MISSING = { photo: ["content", "Choose a photo."], letters: ["letters.text", "Write something."] };

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
  const subjects = {
    photo: new PhotoField(draft, errors, onUploading, () => styles.check()),
    texture: new TextureField(draft, errors),
    letters: new LettersField(draft, errors, onUploading, signal),
  };
  const { photo } = subjects;
  const presets = presetCards(catalog.presets, draft, errors);
  const kinds = h("div", null, segments("What to make", Object.values(KINDS).map(({ name, label }) => [name, label]), draft.kind.name, (name) => {
    errors.clear();
    draft.setKind(KINDS[name]);
    styles.setKind();
  }));
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
        kinds,
        h("div", { class: "pictures" }, Object.values(subjects).map(({ element }) => element), styles.element),
        presets.element,
        h("div", { class: "main-options" }, main3.map(({ element }) => element)),
        grid.element, more.element),
      h("aside", { class: "new-side", "aria-label": "Start" }, estimate.element, errors.other, start)),
  );
  takeAnywhere((files) => {
    const forPhoto = draft.kind === KINDS.photo && !draft.content;
    const rest = forPhoto ? files.slice(1) : files;
    if (forPhoto) photo.take(files[0]);
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
    for (const [name, { element }] of Object.entries(subjects)) element.hidden = name !== draft.kind.name;
    for (const { option, element } of main3) element.hidden = !draft.offers(option.name);
    for (const field of [...main3, ...more.fields, presets, grid, subjects.texture, subjects.letters]) field.update();
    more.showCount();
    estimate.later();
    keep();
  }

  /** Not before it is restored, and not once another view is shown. */
  function keep() {
    if (ready && !signal.aborted) keepDraft({ ...draft.kept(), grid: grid.kept(), from: from ?? beginning?.from ?? null });
  }

  function putPictures() {
    if (beginning.content) photo.put(beginning);
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
    if (!draft.hasSubject) errors.set(...MISSING[draft.kind.name]);
    if (!draft.hasSubject) subjects[draft.kind.name].focus();
    else if (!draft.styles.length) styles.add.file.focus();
    if (!draft.hasSubject || !draft.styles.length || (grid.wanted && !grid.check())) return false;
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
