/**
 * Follows the gateway for one view: by a stream, or by polling where streams do not get through.
 *
 * A connection that is opened again asks with what is known by then, so nothing is missed and nothing has to be kept for
 * it here.
 */
import { call } from "../api.js";
import { reach } from "../reach.js";
import { openStream } from "./event_stream.js";
import { poll } from "./polling.js";

/** A browser allows six connections to a host over all tabs, so a tab that nobody sees gives its own back. */
const HIDDEN_MILLISECONDS = 10_000;
const STREAM_AGAIN_MILLISECONDS = 60_000;
const RECONNECT_MILLISECONDS = [500, 1_000, 2_000, 4_000];

/**
 * @param {object} asked
 * @param {() => string} asked.query what to ask for, by what is known now
 * @param {(event: string, data: any) => void} asked.onMessage
 * @param {AbortSignal} asked.signal ends it
 */
export function follow({ query, onMessage, signal }) {
  let closeStream = null;
  let stopPolling = null;
  let timer = 0;
  let hiding = 0;
  let failures = 0;

  /** @param {boolean} first of a connection; the gateway begins with a server that cannot be reached */
  function receive(event, data, first) {
    reach.network(true);
    if (first) reach.server(true);
    if (event === "server") reach.server(data.reachable);
    else if (event !== "tick") onMessage(event, data);
  }

  /** The tab has been out of sight for long enough to have been disconnected. */
  const away = () => signal.aborted || (document.hidden && !hiding);

  function stream() {
    clearTimeout(timer);
    if (away()) return;
    closeStream?.();
    let heard = false;
    closeStream = openStream(
      query(),
      (event, data) => {
        stopPolling?.();
        stopPolling = null;
        receive(event, data, !heard);
        heard = true;
        failures = 0;
      },
      (why) => {
        closeStream = null;
        ended(why, heard);
      },
    );
  }

  async function ended(why, heard) {
    if (why === "silent") return fallBack();
    const wait = RECONNECT_MILLISECONDS[Math.min(failures++, RECONNECT_MILLISECONDS.length - 1)];
    // An EventSource does not tell why it ended. This says whether it was the network, or the login.
    const session = await call("session", { signal }).catch(() => null);
    if (signal.aborted || closeStream) return;
    if (session?.login) document.dispatchEvent(new Event("login-needed"));
    else if (session && !heard) fallBack();
    else timer = setTimeout(stream, wait);
  }

  function fallBack() {
    if (away()) return;
    stopPolling ??= poll(query(), receive);
    clearTimeout(timer);
    timer = setTimeout(stream, STREAM_AGAIN_MILLISECONDS);
  }

  function close() {
    clearTimeout(timer);
    clearTimeout(hiding);
    hiding = 0;
    closeStream?.();
    stopPolling?.();
    closeStream = stopPolling = null;
  }

  function seen() {
    clearTimeout(hiding);
    hiding = 0;
    if (document.hidden) hiding = setTimeout(close, HIDDEN_MILLISECONDS);
    else if (!closeStream && !stopPolling) stream();
  }

  document.addEventListener("visibilitychange", seen, { signal });
  // A page that the browser keeps for "back" must not hold a connection.
  window.addEventListener("pagehide", close, { signal });
  window.addEventListener("pageshow", (event) => event.persisted && stream(), { signal });
  window.addEventListener("online", () => !closeStream && !document.hidden && stream(), { signal });
  signal.addEventListener("abort", close);
  if (!document.hidden) stream();
}
