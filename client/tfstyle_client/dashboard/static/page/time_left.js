/** How long a job still runs, without the jitter of single evaluations. */

const ESTIMATES = 5;
const MOST_JOBS = 100;
/** Smaller rises than this share, or these seconds, are not shown: what was shown stays until time has caught up. */
const RISE = { share: 0.15, seconds: 2 };

/** By the job's id. @type {Map<string, {evaluation: number, totals: number[], shown: number}>} */
const known = new Map();

/** @param {object} job one that runs @returns {number | null} seconds */
export function timeLeft({ id, progress }) {
  const { evaluation, elapsed, remaining } = progress;
  const before = known.get(id);
  if (remaining === null || remaining === undefined) return before?.shown ?? null;
  if (before?.evaluation === evaluation) return before.shown;
  // From the beginning to the end, which changes less than what is left.
  const totals = [...(before?.evaluation < evaluation ? before.totals : []), elapsed + remaining].slice(-ESTIMATES);
  const left = Math.max(0, median(totals) - elapsed);
  const most = before && before.shown + Math.max(RISE.seconds, RISE.share * before.shown);
  const shown = before && left > before.shown && left < most ? before.shown : left;
  known.delete(id);
  known.set(id, { evaluation, totals, shown });
  if (known.size > MOST_JOBS) known.delete(known.keys().next().value);
  return shown;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
