/** How far a job is, in a few words. */
import { duration, plural } from "../format.js";
import { timeLeft } from "../time_left.js";

export const STATES = { queued: "Waiting", running: "Running", succeeded: "Done", failed: "Failed", cancelled: "Stopped" };

export function progressText(job) {
  const { state, progress } = job;
  if (state === "queued") {
    const place = job.position ? `${plural(job.position, "job")} ahead` : "Next in the queue";
    return job.attempts ? `${place}, continues where it was` : place;
  }
  if (state === "running") {
    if (!progress) return "Preparing";
    const left = timeLeft(job);
    if (left === null) return "";
    return left < 0.5 ? "finishing" : `${duration(Math.max(1, Math.round(left)))} left`;
  }
  if (state === "succeeded") return `in ${duration(job.result.elapsed)}`;
  if (state === "failed") return job.error ?? "";
  return progress ? `at evaluation ${progress.evaluation}` : "before it began";
}

/** From 0 to 1. */
export const fraction = (job) => (job.progress ? job.progress.evaluation / job.progress.max_evaluations : 0);

/** The size of a result as far as it is known. */
export function sizeText(job) {
  const size = job.result ?? job.started;
  if (size) return `${size.width} × ${size.height}`;
  const asked = job.request?.options?.size;
  return asked ? (Number(asked) ? `${asked} px` : `${asked} size`) : "";
}
