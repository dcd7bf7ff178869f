/** All that the events of one job tell: its curves, kept previews, and what happened when. */
import { applied } from "./job_state.js";

/** @typedef {{evaluation: number, digest: string, stage: number}} Preview */

export class History {
  constructor(job) {
    this.job = job;
    /** The number of the last event that is known. */
    this.after = 0;
    /** Events before this one are no longer kept. */
    this.oldest = 0;
    /** @type {number[]} */
    this.evaluations = [];
    /** @type {number[]} */
    this.elapsed = [];
    /** What each part adds to the total; "total" is the first. @type {Map<string, (number | null)[]>} */
    this.parts = new Map([["total", []]]);
    /** @type {Map<string, (number | null)[]>} */
    this.layers = new Map();
    /** The first evaluation of each stage. @type {{evaluation: number, stage: number}[]} */
    this.marks = [];
    /** @type {Preview[]} */
    this.previews = [];
    /** Events other than progress. */
    this.incidents = [];
  }

  add(events) {
    for (const event of events) {
      if (event.sequence <= this.after) continue;
      this.after = event.sequence;
      this.job = applied(this.job, event);
      if (event.kind === "progress") this.#addProgress(event);
      else this.incidents.push(event);
    }
  }

  #addProgress(event) {
    const last = this.evaluations.at(-1) ?? 0;
    // A resumed job computes the evaluations after its checkpoint again, with the same losses.
    if (event.evaluation <= last) return;
    const row = this.evaluations.push(event.evaluation) - 1;
    this.elapsed.push(event.elapsed);
    const { total, weighted = {}, by_layer: byLayer = {} } = event.losses ?? {};
    fill(this.parts, row, [["total", total], ...Object.entries(weighted)]);
    fill(this.layers, row, Object.entries(byLayer).flatMap(([part, layers]) =>
      Object.entries(layers).map(([layer, loss]) => [`${part} ${layer}`, loss])));
    if (this.marks.at(-1)?.stage !== event.stage) this.marks.push({ evaluation: event.evaluation, stage: event.stage });
    if (event.preview) this.previews.push({ evaluation: event.evaluation, digest: event.preview, stage: event.stage });
  }

  /** Evaluations per second, over the last ones or over all; null where it is not known. */
  rate(over = 12) {
    const last = this.evaluations.length - 1;
    const first = Math.max(0, last - over);
    const seconds = this.elapsed[last] - this.elapsed[first];
    return seconds > 0 ? (this.evaluations[last] - this.evaluations[first]) / seconds : null;
  }
}

/** Every column has a value, or null, in every row. */
function fill(columns, row, losses) {
  for (const [name, loss] of losses) {
    if (!columns.has(name)) columns.set(name, new Array(row).fill(null));
    columns.get(name)[row] = loss ?? null;
  }
  for (const column of columns.values()) if (column.length === row) column.push(null);
}

/** Histories of the jobs that were looked at last, so that going back shows them at once. @type {Map<string, History>} */
const kept = new Map();
const MOST_KEPT = 6;

/** @param {object} job as just read from the server */
export function historyOf(job) {
  const history = kept.get(job.id) ?? new History(job);
  if (job.sequence >= history.job.sequence) history.job = job;
  kept.delete(job.id);
  kept.set(job.id, history);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return history;
}
