/** While something cannot be reached, asks again until it can: not every view has a stream that would tell. */
import { call } from "./api.js";
import { reach } from "./reach.js";

const PROBE_MILLISECONDS = 3000;
let probing = false;

async function probe() {
  if (probing) return;
  probing = true;
  while (!reach.fine) {
    await new Promise((resolve) => setTimeout(resolve, PROBE_MILLISECONDS));
    // The gateway answers for the session alone while it does not reach the server.
    await call("session").then(() => call("server")).then(() => reach.server(true), () => {
      // It says so to `reach` itself.
    });
  }
  probing = false;
}

export function keepProbing() {
  document.addEventListener("out-of-reach", probe);
  if (!reach.fine) probe();
}
