/** Jobs that belong together, as the frames of a film do. */
import { callUntilReached } from "../api.js";

const PAGE = 200;
/** Pages that are looked through for the frames of a sequence. */
const MOST_PAGES = 40;

export const sequenceOf = (job) => job.request?.sequence ?? null;

/** Jobs in the order given, those of a sequence together in the place of the first. @returns {object[][]} */
export function grouped(jobs) {
  const groups = new Map();
  for (const job of jobs) {
    const name = sequenceOf(job)?.name;
    const key = name ? `sequence ${name}` : job.id;
    if (groups.has(key)) groups.get(key).push(job);
    else groups.set(key, [job]);
  }
  return [...groups.values()];
}

/** The jobs of one sequence by their frames, kept up to date. */
export class SequenceJobs {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    /** The newest job of each frame. @type {Map<number, object>} */
    this.frames = new Map();
    this.total = 0;
    this.rate = 0;
  }

  /** Find them among all jobs. */
  async load(signal) {
    let next = "";
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (next) query.set("page", next);
      const answer = await callUntilReached(`jobs?${query}`, { signal });
      for (const job of answer.jobs) this.take(job);
      next = answer.next;
      if (!next || (this.total && this.frames.size >= this.total)) return;
    }
  }

  /** Take in the state of any job. @returns whether it is one of these */
  take(job) {
    const place = sequenceOf(job);
    if (place?.name !== this.name) return false;
    const known = this.frames.get(place.frame);
    if (known && known.id !== job.id && known.created > job.created) return false;
    if (known?.id === job.id && known.sequence > job.sequence) return false;
    this.frames.set(place.frame, job);
    this.total = Math.max(this.total, place.frames ?? 0, place.frame + 1);
    this.rate = place.rate || this.rate;
    return true;
  }

  /** @returns whether it was one of these */
  forget(id) {
    for (const [frame, job] of this.frames) {
      if (job.id === id) return this.frames.delete(frame);
    }
    return false;
  }

  /** The numbers of the frames that are painted, in order. */
  get painted() {
    return [...this.frames].filter(([, job]) => job.result).map(([frame]) => frame).sort((a, b) => a - b);
  }

  /** The number of the frame with the most recent result; null if there is none. */
  get latest() {
    let found = null;
    for (const [frame, job] of this.frames) {
      if (job.result && (found === null || job.ended > this.frames.get(found).ended)) found = frame;
    }
    return found;
  }

  get isRunning() {
    return [...this.frames.values()].some((job) => job.state === "running" || job.state === "queued");
  }
}
