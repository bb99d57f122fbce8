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
    const body = place.querySelector("tbody");
    body.insertAdjacentHTML("afterbegin", event.data); // the console's own rows, escaped there
    while (body.rows.length > Number(place.dataset.most)) body.lastElementChild.remove();
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
