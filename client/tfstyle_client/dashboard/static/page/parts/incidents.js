/** What happened to a job, and when. */
import { h, setText } from "../dom.js";
import { clock, moment, plural } from "../format.js";

const TEXTS = {
  accepted: ({ position }) => (position ? `Accepted, behind ${plural(position, "job")}` : "Accepted"),
  begun: ({ attempt }) => (attempt > 1 ? `Begun again, attempt ${attempt}` : "Begun"),
  started: ({ network, width, height }) => `Started with ${network} at ${width} × ${height}`,
  interrupted: ({ reason }) => `Interrupted: ${reason}`,
  result: ({ evaluations }) => `Done after ${plural(evaluations, "evaluation")}`,
  failed: ({ error }) => `Failed: ${error}`,
  cancelled: ({ reason }) => (reason ? `Stopped: ${reason}` : "Stopped"),
};

export class Incidents {
  /** @param {import("../live/history.js").History} history */
  constructor(history) {
    this.history = history;
    this.summary = h("summary");
    this.list = h("ol", { class: "incidents" });
    this.lost = h("p", { class: "muted small", hidden: true }, "Earlier events are no longer kept.");
    this.element = h("details", { class: "fold" }, this.summary, this.lost, this.list);
  }

  update() {
    const { incidents, oldest } = this.history;
    setText(this.summary, plural(incidents.length, "event"));
    this.lost.hidden = !oldest;
    for (const event of incidents.slice(this.list.children.length)) {
      this.list.append(h("li", null, h("time", { class: "muted numbers", datetime: event.time, title: moment(event.time) }, clock(event.time)),
        h("span", null, TEXTS[event.kind]?.(event) ?? event.kind)));
    }
  }
}
