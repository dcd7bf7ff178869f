/** Some jobs, kept up to date without their histories. */
import { callUntilReached } from "../api.js";
import { follow } from "./follow.js";
import { applied } from "./job_state.js";

/**
 * @param {string[]} ids
 * @param {(id: string) => void} onChange after `jobs` has changed
 * @returns {Promise<Map<string, object | null>>} null for a job that is gone
 */
export async function watchJobs(ids, onChange, signal) {
  const jobs = new Map(await Promise.all(ids.map(async (id) => [id, await jobOrNull(id, signal)])));
  const put = (id, job) => {
    if (!jobs.has(id) || (job && jobs.get(id) && job.sequence < jobs.get(id).sequence)) return;
    jobs.set(id, job);
    onChange(id);
  };
  follow({
    signal,
    query: () => [...jobs].filter(([, job]) => job).map(([id, job]) => `job=${encodeURIComponent(id)}:${job.sequence}`).join("&") || "jobs",
    onMessage(event, data) {
      if (event === "job") put(data.id, data);
      else if (event === "events" && jobs.get(data.job)) put(data.job, data.events.reduce(applied, jobs.get(data.job)));
      else if (event === "missing" || event === "deleted") put(data.job ?? data.id, null);
    },
  });
  return jobs;
}

async function jobOrNull(id, signal) {
  try {
    return await callUntilReached(`jobs/${encodeURIComponent(id)}`, { signal });
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
