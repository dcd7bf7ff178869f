/** What can be done with a job. */
import { apiUrl, call } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { hasEnded } from "../live/job_state.js";
import { againAddress } from "../route.js";
import { confirmButton } from "./confirm_button.js";

export class JobActions {
  constructor(job, { signal, onChange }) {
    const path = `jobs/${encodeURIComponent(job.id)}`;
    this.download = h("a", { class: "button primary", href: apiUrl(`${path}/result?download`), download: true, "data-testid": "download" }, icon("download"), "Download");
    this.again = h("a", { class: "button", href: againAddress(job.id), "data-testid": "again" }, "Again with changes");
    this.cancel = confirmButton({
      label: "Stop", question: "Stop this picture?", yes: "Stop", no: "Keep going", testId: "cancel",
      act: async () => onChange(await call(`${path}/cancel`, { method: "POST", signal })),
    });
    this.remove = confirmButton({
      label: "Delete", question: "Delete it for good?", yes: "Delete", no: "Keep it", testId: "delete",
      async act() {
        await call(path, { method: "DELETE", signal });
        location.hash = "#/";
      },
    });
    this.element = h("div", { class: "actions" }, this.download, this.again, this.cancel, this.remove);
    this.update(job);
  }

  update(job) {
    this.download.hidden = job.state !== "succeeded";
    this.again.hidden = !job.request;
    this.cancel.hidden = hasEnded(job);
    this.remove.hidden = !hasEnded(job);
  }
}
