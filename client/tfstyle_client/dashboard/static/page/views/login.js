/** Asks for the token, in place of the view that needs it. */
import { call } from "../api.js";
import { h, setText } from "../dom.js";

/** @param {{private: boolean}} asked `private`: the page belongs to one person, who has an address that lets in */
export function loginView({ main, signal, title, private: isPrivate, done }) {
  title("Log in");
  if (isPrivate) {
    main.replaceChildren(h("div", { class: "login" }, h("h1", { tabindex: "-1" }, "Log in"),
      h("p", null, "Open the address that tfstyle printed when it started. It lets this browser in.")));
    return;
  }
  const token = h("input", {
    class: "input", type: "password", id: "token", autocomplete: "off", "data-testid": "token", "aria-describedby": "token-help token-error",
  });
  const error = h("p", { class: "error", id: "token-error", role: "alert", "data-testid": "error-token" });
  const button = h("button", { class: "button primary", "data-testid": "login" }, "Log in");

  async function submit(event) {
    event.preventDefault();
    setText(error, "");
    button.disabled = true;
    try {
      await call("session", { method: "POST", body: { token: token.value.trim() }, signal });
      done();
    } catch (failure) {
      if (signal.aborted) return;
      setText(error, failure.status === 0 || failure.passing ? failure.message : "The server does not accept this token.");
      token.setAttribute("aria-invalid", "true");
      token.focus();
    } finally {
      button.disabled = false;
    }
  }

  main.replaceChildren(
    h("form", { class: "login", onsubmit: submit },
      h("h1", { tabindex: "-1" }, "Log in"),
      h("div", { class: "field" },
        h("label", { for: "token" }, "Token"), token,
        h("p", { class: "help", id: "token-help" }, "You get it from whoever runs the server."), error),
      button),
  );
  token.focus();
}
