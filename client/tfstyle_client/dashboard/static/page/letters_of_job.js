/** The words of a job whose picture is letters. */
import { callUntilReached } from "./api.js";

/**
 * @typedef {{text: string, font: string, reach: number, margin: number, bold: number, tracking: number, background: string}} Words
 * @returns {Promise<Words | null>} null for any other job
 */
export async function lettersOf(job, signal) {
  const { request } = job;
  // Only such jobs can have a sheet as their content.
  const may = request?.kind === "photo" && (request.keep || (request.styles.length === 2 && request.styles[0].region));
  return may ? callUntilReached(`jobs/${encodeURIComponent(job.id)}/letters`, { signal }) : null;
}
