/** A picture for each pair of values of two options. */
import { pictureUrl } from "../api.js";
import { h, oncePerFrame, setText } from "../dom.js";
import { sentence, words } from "../format.js";
import { bestPicture, hasEnded } from "../live/job_state.js";
import { watchJobs } from "../live/watch_jobs.js";
import { ratioOf } from "../parts/forming_picture.js";
import { fraction, progressText, STATES } from "../parts/progress_text.js";
import { SteadyPicture } from "../parts/steady_picture.js";
import { gridOfQuery, jobAddress } from "../route.js";

export async function gridView({ main, route, signal, title }) {
  const { ids, rows, columns } = gridOfQuery(route.query);
  if (!ids.length) return empty(main, title);
  const heading = sentence(`${words(rows.option)} by ${words(columns.option)}`);
  title(heading);
  const cells = new Map(ids.flat().map((id) => [id, new GridCell(id)]));
  const done = h("span", { class: "muted numbers", role: "status" });
  const show = oncePerFrame(update, signal);
  const jobs = await watchJobs(ids.flat(), show, signal);
  const content = [...jobs.values()].find((job) => job?.request)?.request.content;
  const ratio = content ? await ratioOf(content) : 1.5;
  if (signal.aborted) return;

  const table = h("table", { class: "matrix" },
    h("thead", null, h("tr", null, h("td"), columns.values.map((value) => h("th", { scope: "col" }, label(columns, value))))),
    h("tbody", null, ids.map((row, index) => h("tr", null,
      h("th", { scope: "row" }, label(rows, rows.values[index])), row.map((id) => h("td", null, cells.get(id).element))))));
  table.style.setProperty("--ratio", ratio);
  table.style.setProperty("--columns", columns.values.length);
  main.replaceChildren(h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, heading), done), table);
  update();

  function update() {
    for (const [id, cell] of cells) cell.update(jobs.get(id));
    const ended = [...jobs.values()].filter((job) => !job || hasEnded(job)).length;
    setText(done, `${ended} of ${jobs.size} done`);
  }
}

function empty(main, title) {
  title("Grid");
  main.replaceChildren(h("div", { class: "empty" }, h("h1", { tabindex: "-1" }, "There is no grid here"),
    h("p", { class: "muted" }, "A grid is made with a new picture: choose two options to compare."), h("a", { class: "button primary", href: "#/new" }, "New picture")));
}

const label = ({ option }, value) => [h("span", { class: "muted" }, sentence(words(option))), " ", value];

class GridCell {
  constructor(id) {
    this.picture = new SteadyPicture({});
    this.bar = h("span");
    this.progress = h("span", { class: "progress" }, this.bar);
    this.state = h("span", { class: "state", "data-testid": "job-state" });
    this.element = h("a", { class: "cell", href: jobAddress(id), "data-testid": "grid-cell" },
      h("span", { class: "cell-picture" }, this.picture.element, this.progress), h("span", { class: "cell-line small" }, this.state, (this.detail = h("span", { class: "muted numbers" }))));
  }

  update(job) {
    const state = job?.state ?? "deleted";
    this.element.dataset.state = state;
    this.state.dataset.state = state;
    setText(this.state, job ? STATES[state] : "Deleted");
    setText(this.detail, job ? progressText(job) : "");
    this.progress.hidden = state !== "running";
    this.bar.style.transform = `scaleX(${job ? fraction(job) : 0})`;
    const digest = job && bestPicture(job);
    if (digest) this.picture.show(pictureUrl(digest, 640), "");
  }
}
