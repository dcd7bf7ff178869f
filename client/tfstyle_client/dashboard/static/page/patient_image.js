/** Pictures that are asked for again where the server was too busy to send them. */
import { h } from "./dom.js";

const WAITS_MILLISECONDS = [1_000, 3_000, 10_000];

/** An image element. @param {Record<string, any>} props */
export function patientImage(props) {
  let failures = 0;
  const image = h("img", {
    ...props,
    onload: () => (failures = 0),
    onerror() {
      const address = image.src;
      const wait = WAITS_MILLISECONDS[failures++];
      if (wait) setTimeout(() => image.isConnected && image.src === address && (image.src = address), wait);
    },
  });
  return image;
}

/** A picture that is loaded and decoded; null where that fails, or it is no longer wanted. @param {() => boolean} isWanted */
export async function decoded(address, isWanted) {
  for (const wait of [...WAITS_MILLISECONDS, 0]) {
    const image = new Image();
    image.src = address;
    try {
      await image.decode();
      return image;
    } catch {
      if (!wait) return null;
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (!isWanted()) return null;
    }
  }
  return null;
}
