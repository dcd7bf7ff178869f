/** What an event makes of its job, as the server does it. */

/** @returns the job after `event` */
export function applied(job, event) {
  if (event.sequence <= job.sequence) return job;
  const { sequence, time, kind, ...data } = event;
  const next = { ...job, sequence };
  switch (kind) {
    case "accepted":
      return { ...next, state: "queued", position: data.position };
    case "begun":
      return { ...next, state: "running", attempts: data.attempt, began: job.began ?? time };
    case "started":
      return { ...next, started: data };
    case "progress":
      return { ...next, progress: data, preview: data.preview ?? job.preview };
    case "interrupted":
      return { ...next, state: "queued" };
    case "result":
      return { ...next, state: "succeeded", result: data, ended: time };
    case "failed":
      return { ...next, state: "failed", error: data.error, ended: time };
    case "cancelled":
      return { ...next, state: "cancelled", ended: time };
    default:
      return next;
  }
}

export const hasEnded = (job) => ["succeeded", "failed", "cancelled"].includes(job.state);

/** The picture that shows a job best now. */
export const bestPicture = (job) => job.result?.digest ?? job.preview ?? job.request?.content ?? null;
