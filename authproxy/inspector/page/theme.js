/* Before anything is painted: the theme that was chosen, so that nothing flashes in the other. */
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("authproxy-theme");
  } catch {
    // storage is switched off: then the system's theme it is
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}
