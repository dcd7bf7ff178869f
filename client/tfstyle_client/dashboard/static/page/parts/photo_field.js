/** The photo, and what may come with it. */
import { h } from "../dom.js";
import { OF_PHOTO } from "../further_pictures.js";
import { FurtherFold } from "./further_fold.js";
import { PictureField } from "./picture_field.js";

export class PhotoField {
  /** @param {import("../draft.js").Draft} draft @param {import("./field_errors.js").FieldErrors} errors @param {() => void} onPhoto it is another one */
  constructor(draft, errors, onUploading, onPhoto) {
    Object.assign(this, { draft, onPhoto });
    this.field = new PictureField({
      label: "Photo", hint: "Drop, paste or choose one", field: "content", errors, onUploading,
      input: { id: "file-content", "data-testid": "file-content" },
      onPicture: (picture) => {
        draft.content = picture;
        this.#changed();
        draft.onChange();
      },
    });
    this.further = new FurtherFold("Masks and start", OF_PHOTO, {
      under: () => draft.content, errors, onUploading,
      onChange: () => {
        draft.further = this.further.values;
        draft.onChange();
      },
    });
    this.further.rename("");
    this.element = h("div", { class: "photo-field" }, this.field.element, this.further.element);
    this.#changed();
  }

  take(file) {
    this.field.take(file);
  }

  /** @param {{content: import("../draft.js").Picture | null, further?: Record<string, import("../draft.js").Picture | null>}} kept */
  put({ content, further = {} }) {
    this.draft.content = content;
    if (content) this.field.show(content);
    this.further.put(further);
    this.draft.further = this.further.values;
    this.#changed();
  }

  focus() {
    this.field.drop.file.focus();
  }

  #changed() {
    this.further.show(Boolean(this.draft.content));
    this.further.check();
    this.onPhoto();
  }
}
