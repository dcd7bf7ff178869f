/** A picture that is already on the server, as an upload would tell about it. */
import { ApiError, pictureUrl } from "./api.js";
import { decoded } from "./patient_image.js";

/** The server makes nothing larger than this for a browser; the aspect ratio is right in any case. */
const LARGEST_SIDE = 2048;

/** @returns {Promise<import("./draft.js").Picture>} */
export async function pictureOfDigest(digest) {
  const picture = await decoded(pictureUrl(digest, LARGEST_SIDE), () => true);
  if (!picture) throw new ApiError({ status: 404, detail: "A picture of this job is no longer here." });
  return { image: digest, width: picture.naturalWidth, height: picture.naturalHeight, name: "" };
}
