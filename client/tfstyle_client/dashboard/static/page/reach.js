/** Whether the gateway and the server behind it can be reached, and the bar that says so. */
import { setText } from "./dom.js";

const known = { network: true, server: true };

function show() {
  const bar = document.getElementById("reach-bar");
  const fine = known.network && known.server;
  setText(bar, fine ? "" : "The server cannot be reached; this page continues by itself.");
  bar.hidden = fine;
}

export const reach = {
  /** @param {boolean} reachable whether the gateway answers */
  network(reachable) {
    known.network = reachable;
    show();
  },
  /** @param {boolean} reachable whether the gateway reaches the gRPC server */
  server(reachable) {
    known.server = reachable;
    show();
  },
};
