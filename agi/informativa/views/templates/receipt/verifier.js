// Reads a receipt that somebody chooses or drops, and says what its proof says. Of a page only the proof in it is read; whatever
// is shown of a file is text, and nothing of it is markup.
const $ = (id) => document.getElementById(id);
const PAGE = /^\s*</;
const PROOF = /data:application\/octet-stream;base64,([A-Za-z0-9+/=]*)/g;
if (!knownZone(WORDS.zone)) WORDS.zone = "UTC";
const GIVEN = { company: WORDS.company, zone: WORDS.zone };
const WAITING = { verdict: "waiting", lines: [], values: {} };
let result = WAITING;
let newest = 0;

function proofOf(text) {
  if (!PAGE.test(text)) return utf8(text);
  const [first, second] = text.matchAll(PROOF);
  if (!first || second) throw new Error("data:");
  return decoded(first[1]);
}

function parsedProof(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const proof = proofOf(text);
  if (proof.length > WORDS.largest.proof) throw new Error(String(proof.length));
  return { ...parseProof(proof), isPage: PAGE.test(text) };
}

function verdictOf(report, origin, keys) {
  const bad = report.lines.filter((each) => each.state === "bad").map((each) => each.name);
  const isOfCompany = keys.some((key) => key.kind === 1 && key.name === origin);
  if (bad.some((name) => name !== "other_key") || (bad.length && isOfCompany)) return "fails";
  if (bad.length) return "other";
  return report.lines.some((each) => each.state === "open") ? "unsure" : "holds";
}

async function examined(file) {
  if (file.size > WORDS.largest.page) return { ...WAITING, verdict: "large" };
  const report = new Report();
  const proof = await report.attempt(async () => parsedProof(new Uint8Array(await file.arrayBuffer())), "nothing");
  if (!proof) return { ...WAITING, verdict: "nothing" };
  if (!globalThis.crypto?.subtle) return { ...WAITING, verdict: "unsure" };
  const keys = await Promise.all(WORDS.keys.map(parseKey));
  const proven = await checkProof(report, proof, keys);
  if (!proven) return { ...WAITING, verdict: "nothing" };
  const verdict = verdictOf(report, proof.note.origin, keys);
  const lines = verdict !== "holds" ? [] : report.lines.filter((each) => ["witnessed", "late"].includes(each.name));
  if (verdict === "holds" && proof.isPage) lines.push({ name: "page" });
  return { verdict, lines, values: { log: visible(proof.note.origin) }, receipt: proven.receipt };
}

async function take(file) {
  if (!file) return;
  const turn = ++newest;
  $("answer").textContent = "";
  $("number").value = "";
  let next;
  try {
    next = await examined(file);
  } catch {
    next = { ...WAITING, verdict: "nothing" };
  }
  if (turn !== newest) return;
  result = { ...next, name: visible(file.name) };
  show();
}

function element(tag, text) {
  const node = document.createElement(tag);
  node.append(document.createElement("bdi"));
  node.firstChild.textContent = text;
  return node;
}

function show() {
  const { verdict, lines, values, receipt, name } = result;
  $("verdict").className = { holds: "good", fails: "bad", other: "bad", nothing: "bad", large: "bad" }[verdict] ?? "open";
  $("light").textContent = said(verdict + "_light");
  $("advice").textContent = said(verdict, { ...GIVEN, ...values });
  $("name").replaceChildren(...(name ? [element("span", name)] : []));
  $("flaws").replaceChildren(...lines.map((each) => element("li", said(each.name, each.values))));
  $("record").hidden = verdict !== "holds";
  if (verdict === "holds") {
    const rows = WORDS.rows.map((row) => [row.label, sentence(row, receipt.facts, receipt.person)]);
    $("rows").replaceChildren(...rows.filter(([, text]) => text !== null)
      .flatMap(([label, text]) => [element("dt", label), element("dd", text)]));
    $("whom").textContent = receipt.who ? said("erased") : said("hidden");
    $("about").hidden = !receipt.openingKey;
  }
  document.documentElement.dataset.checked = verdict;
}

async function compare() {
  const number = $("number").value.trim();
  if (!number || !result.receipt) return;
  const state = await isAbout(result.receipt, number) ? "about" : "not_about";
  $("answer").className = state === "about" ? "good" : "bad";
  $("answer").textContent = said(state);
}

function speak(code) {
  Object.assign(WORDS, WORDS.languages[code]);
  document.documentElement.lang = code;
  document.title = said("title");
  $("language").value = code;
  $("answer").textContent = "";
  for (const each of document.querySelectorAll("[data-said]")) each.textContent = said(each.dataset.said, GIVEN);
  show();
}

$("language").addEventListener("change", () => speak($("language").value));
$("file").addEventListener("click", () => { $("file").value = ""; }); // so that the same file can be chosen once more
$("file").addEventListener("change", () => take($("file").files[0]));
$("run").addEventListener("click", compare);
$("number").addEventListener("keydown", (event) => event.key === "Enter" && compare());
// Wherever it is dropped: otherwise the browser would open the file in place of this page.
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", () => document.body.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files[0]);
});
const preferred = navigator.languages.map((each) => each.slice(0, 2).toLowerCase());
speak(preferred.find((code) => own(WORDS.languages, code)) ?? "en");
