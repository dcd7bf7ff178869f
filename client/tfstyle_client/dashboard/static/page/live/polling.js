/** The messages of the gateway by asking for them, where a proxy holds streams back. */
import { call } from "../api.js";

const POLL_MILLISECONDS = 3_000;

/**
 * @param {string} query
 * @param {(event: string, data: any) => void} onMessage
 * @returns {() => void} stops asking
 */
export function poll(query, onMessage) {
  const stopped = new AbortController();
  ask();
  return () => stopped.abort();

  async function ask() {
    let last = "";
    while (!stopped.signal.aborted) {
      try {
        const answer = await call(`stream?${query}${last && `&last=${encodeURIComponent(last)}`}`, { signal: stopped.signal });
        if (stopped.signal.aborted) return;
        last = answer.last;
        for (const { event, data } of answer.messages) onMessage(event, data);
      } catch (error) {
        if (stopped.signal.aborted || error.status === 401) return;
        if (!("status" in error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
}
