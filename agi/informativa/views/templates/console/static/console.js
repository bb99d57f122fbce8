"use strict";
// What makes pages handier; every page works without it.
document.addEventListener("submit", (event) => {
  // A form is sent once, however often its button is pressed.
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(location.href); // kept in memory: whoever sees it must still be logged in
  for (const form of document.forms) delete form.dataset.sent;
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
for (const row of document.querySelectorAll(".pages ul")) {
  // On a telephone the pages stand in one row: the one that is open must be seen in it.
  const open = row.querySelector("[aria-current]");
  if (open) row.scrollLeft = open.offsetLeft + open.offsetWidth / 2 - row.clientWidth / 2;
}
