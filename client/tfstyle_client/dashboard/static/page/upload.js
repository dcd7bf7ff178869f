/** Uploads a picture file. */
import { answer, ApiError, apiUrl } from "./api.js";
import { reach } from "./reach.js";

/**
 * By XMLHttpRequest, since fetch does not tell how far an upload is.
 * @param {File} file @param {(fraction: number) => void} onProgress @param {AbortSignal} signal
 * @returns {Promise<import("./draft.js").Picture>}
 */
export function upload(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", apiUrl("images"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      reach.network(true);
      try {
        const { image, width, height } = answer(request.status, request.responseText);
        resolve({ image, width, height, name: file.name });
      } catch (error) {
        reject(error);
      }
    };
    request.onerror = () => {
      reach.network(false);
      reject(new ApiError({ status: 0, detail: "the upload was interrupted." }));
    };
    request.onabort = () => reject(new DOMException("Removed", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
