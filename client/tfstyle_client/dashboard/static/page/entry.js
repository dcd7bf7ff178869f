/** Notes at the present entry of the browser's history: there again on Back, and after a reload. */
export const entry = {
  get: (name) => history.state?.[name],
  set: (name, value) => history.replaceState({ ...history.state, [name]: value }, ""),
};
