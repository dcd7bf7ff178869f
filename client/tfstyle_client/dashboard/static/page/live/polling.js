/** The messages of the gateway by asking for them, where a proxy holds streams back. */
import { call } from "../api.js";

const POLL_MILLISECONDS = 3_000;

/**
 * @param {string} query
 * @param {(event: string, data: any, first: boolean) => void} onMessage `first` of an answer
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
        // An answer without messages says, too, that all is well.
        if (!answer.messages.length) onMessage("tick", {}, true);
        answer.messages.forEach(({ event, data }, index) => onMessage(event, data, index === 0));
      } catch (error) {
        if (stopped.signal.aborted || error.status === 401) return;
        if (!("status" in error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
}
