// Before anything is drawn: the scheme that the reader has chosen, as src/state/theme.svelte.ts keeps it.
try {
  const chosen = JSON.parse(localStorage.getItem("accelerapp.theme") ?? "null");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
} catch {
  // Nothing is remembered here.
}
