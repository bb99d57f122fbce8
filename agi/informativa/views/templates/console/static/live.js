"use strict";
// Calls as they come: rows that the console sends are put before those that are there.
for (const place of document.querySelectorAll("[data-live]")) {
  const part = (name) => place.querySelector(`[data-live-${name}]`);
  const source = new EventSource(place.dataset.live);
  const show = (name) => {
    for (const each of ["on", "off", "trouble"]) part(each).hidden = each !== name;
  };
  source.addEventListener("open", () => show("on"));
  source.addEventListener("calls", (event) => {
    show("on");
    const table = place.querySelector("table"), parsed = document.createElement("template");
    parsed.innerHTML = `<table>${event.data}</table>`; // the console's own rows, escaped there
    for (const day of [...parsed.content.querySelectorAll("tbody")].reverse()) {
      const newest = table.tBodies[0];
      if (newest?.dataset.day === day.dataset.day) newest.rows[0].after(...[...day.rows].slice(1));
      else table.tHead.after(day);
    }
    const rows = [...table.querySelectorAll("tbody tr:not(.day)")];
    for (const row of rows.slice(Number(place.dataset.most))) row.remove();
    for (const day of [...table.tBodies]) if (day.rows.length === 1) day.remove(); // the heading alone
    part("table").hidden = false;
    place.querySelector(".empty")?.remove();
  });
  source.addEventListener("trouble", (event) => {
    part("trouble").textContent = event.data;
    show("trouble");
  });
  source.addEventListener("over", () => {
    source.close();
    show("off");
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) show("off");
  });
}
