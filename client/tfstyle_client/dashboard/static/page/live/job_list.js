/** The jobs of a list that is loaded page by page, newest first, and kept up to date. */
import { callUntilReached } from "../api.js";

const PAGE = 50;

export class JobList {
  /** @param {string[]} states only jobs in one of these; all where empty @param {() => void} onChange @param {number} pages to load at first */
  constructor(states, onChange, signal, pages = 1) {
    this.states = states;
    this.onChange = onChange;
    this.signal = signal;
    /** @type {Map<string, object>} in the order of the list */
    this.jobs = new Map();
    this.next = null;
    this.loaded = false;
    this.pages = pages;
  }

  async more() {
    this.pages += 1;
    const page = await this.#page(this.next);
    for (const job of page.jobs) this.jobs.set(job.id, job);
    this.next = page.next;
    this.onChange();
  }

  /** Load the pages that are shown again: jobs may have come and gone unnoticed. */
  async reload() {
    const jobs = new Map();
    let next = null;
    for (let page = 0; page === 0 || (next && page < this.pages); page++) {
      const answer = await this.#page(next);
      for (const job of answer.jobs) jobs.set(job.id, job);
      next = answer.next;
    }
    Object.assign(this, { jobs, next, loaded: true });
    this.onChange();
  }

  /** Take in what a message says about a job. */
  changed(job) {
    if (this.states.length && !this.states.includes(job.state)) return this.deleted(job.id);
    if (this.jobs.has(job.id)) this.jobs.set(job.id, job);
    else this.#insert(job);
    this.onChange();
  }

  deleted(id) {
    if (this.jobs.delete(id)) this.onChange();
  }

  #insert(job) {
    const all = [...this.jobs.values()];
    const place = all.findIndex((other) => other.created < job.created);
    // Older than all that is shown: it is on a page that is not loaded yet.
    if (place < 0 && this.next) return;
    all.splice(place < 0 ? all.length : place, 0, job);
    this.jobs = new Map(all.map((each) => [each.id, each]));
  }

  #page(token) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (token) query.set("page", token);
    for (const state of this.states) query.append("state", state);
    return callUntilReached(`jobs?${query}`, { signal: this.signal });
  }
}
