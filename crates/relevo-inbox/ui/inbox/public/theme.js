// Runs before the first paint, so that nobody who works at night is met by a white flash.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('relevo.theme');
  } catch {
    // Storage may be forbidden; then the system's wish stands.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('dark', dark);
})();
