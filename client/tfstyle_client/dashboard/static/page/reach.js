/**
 * Whether the gateway and the server behind it can be reached, and the bar that says so. The document hears of a change by
 * the events "out-of-reach" and "in-reach".
 */
import { setText } from "./dom.js";

const known = { network: true, server: true };

function know(what, reachable) {
  const before = reach.fine;
  known[what] = reachable;
  if (reach.fine === before) return;
  const bar = document.getElementById("reach-bar");
  setText(bar, reach.fine ? "" : "The server cannot be reached. Trying again…");
  bar.hidden = reach.fine;
  document.dispatchEvent(new Event(reach.fine ? "in-reach" : "out-of-reach"));
}

export const reach = {
  get fine() {
    return known.network && known.server;
  },
  /** @param {boolean} reachable whether the gateway answers */
  network(reachable) {
    know("network", reachable);
  },
  /** @param {boolean} reachable whether the gateway reaches the gRPC server */
  server(reachable) {
    know("server", reachable);
  },
};
