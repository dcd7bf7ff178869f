// Before the first paint, hence a script of its own that blocks: else the page would flash in the other scheme.
try {
  const theme = localStorage.getItem("tfstyle-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the scheme of the system applies.
}
