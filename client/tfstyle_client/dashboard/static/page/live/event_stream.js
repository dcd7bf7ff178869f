/** The messages of the gateway as they come, by one EventSource. */
import { apiUrl } from "../api.js";

const FIRST_MESSAGE_MILLISECONDS = 6_000;
/** The gateway sends a tick every 15 seconds. */
const SILENCE_MILLISECONDS = 40_000;
const MESSAGES = ["relist", "job", "deleted", "events", "skipped", "missing", "server", "tick"];

/**
 * @param {string} query
 * @param {(event: string, data: any) => void} onMessage
 * @param {(why: "silent" | "lost") => void} onEnd no message came for too long, or the connection was lost
 * @returns {() => void} closes the stream
 */
export function openStream(query, onMessage, onEnd) {
  const source = new EventSource(apiUrl(`stream?${query}`));
  let silence = setTimeout(() => end("silent"), FIRST_MESSAGE_MILLISECONDS);

  function close() {
    clearTimeout(silence);
    source.close();
  }
  function end(why) {
    close();
    onEnd(why);
  }
  for (const name of MESSAGES) {
    source.addEventListener(name, (message) => {
      clearTimeout(silence);
      silence = setTimeout(() => end("silent"), SILENCE_MILLISECONDS);
      onMessage(name, JSON.parse(message.data));
    });
  }
  // The browser would connect again by itself, but with the query of the beginning.
  source.onerror = () => end("lost");
  return close;
}
