// Checks the page that it stands in against the embedded proof, and says what it found.
const $ = (id) => document.getElementById(id);
const embedded = (node, attribute) => decoded((node?.getAttribute(attribute) ?? "").replace(/^data:[^,]*;base64,/, ""));

function differs(node, shown, proven) {
  if (shown === proven) return false;
  node?.classList.add("differs");
  node?.closest("details")?.setAttribute("open", "");
  return true;
}

function checkSentences(report, receipt) {
  let whole = true;
  if (!knownZone(WORDS.zone)) report.add("open", "zone", { zone: visible(WORDS.zone) });
  const claims = WORDS.claims.filter((each) => knownZone(WORDS.zone) ||
    !Object.values(each.sources).some(([how]) => how === "local"));
  for (const claim of claims) {
    const node = document.querySelector(`[data-claim="${CSS.escape(claim.name)}"]`);
    const [shown, proven] = [node?.textContent ?? said("nothing"), sentence(claim, receipt.facts, receipt.person) ?? said("nothing")];
    if (differs(node, shown, proven)) {
      whole = report.add("bad", "sentence", { shown: visible(shown), proven });
    }
  }
  const names = new Set(WORDS.claims.map((each) => each.name));
  for (const node of document.querySelectorAll("[data-claim]")) {
    if (!names.delete(node.dataset.claim)) {
      differs(node, node.textContent, null);
      whole = report.add("bad", "sentence", { shown: visible(node.textContent), proven: said("nothing") });
    }
  }
  if (whole) report.add("good", "sentences");
}

// Whoever else signed, as the page lists them.
function signers(note) {
  const [name] = WORDS.key.split("+");
  const others = note.signatures.filter((each) => each.name !== name || hex(each.id) !== WORDS.key.slice(name.length + 1, name.length + 9));
  return Object.fromEntries(others.map((each, index) => {
    const at = each.data.length === 72 ? Number(cosignedAt(each)) : Infinity;
    return [index, each.name + (at <= 253402300799 ? ", " + minute(at) + " UTC" : "")];
  }));
}

function checkTables(report, proof, receipt, made) {
  const values = { origin: proof.note.origin, index: proof.index, size: proof.note.size,
    root: base64(proof.note.root), leaf: base64(made.leaf), what: hex(made.what), who: hex(made.who), key: WORDS.key };
  let whole = true;
  for (const [part, proven] of [["facts", receipt.facts], ["person", receipt.person], ["proof", values],
    ["files", WORDS.files], ["signer", signers(proof.note)]]) {
    const shown = new Map();
    for (const node of document.querySelectorAll(`[data-${part}]`)) {
      const name = node.dataset[part];
      shown.set(shown.has(name) ? name + " (2)" : name, node);
    }
    for (const name of new Set([...shown.keys(), ...Object.keys(proven)])) {
      const node = shown.get(name);
      const [there, right] = [node?.textContent ?? said("nothing"), own(proven, name) ? visible(String(proven[name])) : said("nothing")];
      if (differs(node, there, right)) whole = report.add("bad", "row", { name: visible(name), shown: visible(there), proven: right });
    }
  }
  if (whole) report.add("good", "table");
}

// All that a reader may see, as operations/evidence/page_file.py has it; what its links hold is looked at for itself.
function outline(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  const names = node.getAttributeNames().filter((each) => each !== "src" && each !== "href").sort();
  const tag = node.localName;
  const begin = "<" + tag + names.map((each) => " " + each + "=" + node.getAttribute(each)).join("") + ">";
  return begin + [...node.childNodes].map(outline).join("") + (VOID.includes(tag) ? "" : "</" + tag + ">");
}

const VOID = ["br", "input", "meta"];
const SCRIPT = document.currentScript;
// Before anything is written into it.
const nodes = [...document.body.childNodes];
const OUTLINE = nodes.slice(0, nodes.indexOf($("words"))).map(outline).join("");

// Whether nothing stands behind what is sealed.
async function isLast() {
  if (document.readyState === "loading") await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
  for (let node = $("words").nextSibling; node; node = node.nextSibling) {
    if (node !== SCRIPT && outline(node).trim()) return false;
  }
  return true;
}

async function checkRest(report) {
  const digest = async (text) => hex(await sha256(utf8(text)));
  if (await digest($("words").textContent) !== SEALED.words) return void report.add("bad", "words");
  const head = await digest(document.documentElement.lang + "\n" + document.querySelector("title").textContent);
  if (await digest(OUTLINE) === SEALED.page && head === SEALED.head && await isLast()) return void report.add("good", "whole");
  if (!report.lines.some((each) => each.state === "bad")) report.add("bad", "rest");
}

async function checkSound(report, receipt) {
  if (!own(receipt.facts, "prompt")) return;
  if (!Object.keys(WORDS.files).length) return void report.add("open", "no_sound");
  const isOther = () => report.add(WORDS.same ? "bad" : "open", "other_sound");
  if (await digestOf(WORDS.files) !== receipt.facts.recording) return void isOther();
  report.add("good", "digest");
  const node = $("sound");
  if (!node) return void report.add("open", "no_sound");
  const data = await report.attempt(() => embedded(node, "src"), "other_sound");
  if (!data) return;
  report.test(hex(await sha256(data)) === WORDS.files[WORDS.form], "sound", "other_sound");
}

async function checkAll(report, keys) {
  const proof = await report.attempt(() => parseProof(embedded($("evidence"), "href")), "unreadable");
  if (!proof) return null;
  report.add("good", "readable");
  report.test($("text").textContent === new TextDecoder().decode(embedded($("evidence"), "href")), "copies", "other_copy");
  const proven = await checkProof(report, proof, keys);
  if (!proven) return null;
  const { receipt, made } = proven;
  checkSentences(report, receipt);
  checkTables(report, proof, receipt, made);
  await checkRest(report);
  await checkSound(report, receipt);
  return receipt;
}

function show(report, given) {
  const bad = report.lines.filter((each) => each.state === "bad");
  const open = report.lines.filter((each) => each.state === "open");
  const remarks = report.lines.filter((each) => each.state === "remark"); // which change no verdict
  const state = bad.length ? "bad" : open.length || !given ? "open" : "good";
  const verdict = bad.length ? "fails" : open.length ? "unsure" : given ? "holds" : "holds_by_page";
  $("verdict").className = state;
  $("light").textContent = said(verdict + "_light");
  $("advice").textContent = said(verdict);
  const items = (list, mark) => list.map((each) => {
    const item = document.createElement("li");
    item.className = ["note", "remark"].includes(each.state) ? "open" : each.state;
    item.textContent = (mark ? said({ good: "correct", bad: "wrong", remark: "remark" }[each.state] ?? "open") + " " : "") + said(each.name, each.values);
    return item;
  });
  $("flaws").replaceChildren(...items([...bad, ...open, ...remarks], false));
  $("checks").replaceChildren(...items(report.lines, true), ...items([{ state: "note", name: "convenience" }], false));
  document.documentElement.dataset.checked = verdict;
}

async function check() {
  for (const each of document.querySelectorAll(".differs")) each.classList.remove("differs");
  const report = new Report();
  const typed = $("keys").value.split("\n").map((each) => each.trim()).filter(Boolean);
  if (!globalThis.crypto?.subtle) {
    report.add("open", "no_crypto");
    return show(report, false);
  }
  const keys = [];
  for (const each of typed.length ? typed : [WORDS.key]) {
    const key = await report.attempt(() => parseKey(each), "no_key");
    if (key) keys.push(key);
  }
  const receipt = await checkAll(report, keys);
  const number = $("number")?.value.trim();
  if (receipt && number && await isItsKey(receipt)) report.test(await isAbout(receipt, number), "about", "not_about");
  show(report, typed.length > 0);
}

let running = Promise.resolve();
const run = () => {
  running = running.then(check).catch((error) => {
    const report = new Report();
    report.add("bad", "unreadable", { why: visible(String(error)) });
    show(report, false);
  });
  return running;
};
$("run").addEventListener("click", () => run().then(() => $("verdict").scrollIntoView({ block: "nearest" })));
// Paper has all of it; afterwards is folded what was.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details:not([open])")];
  for (const each of unfolded) each.setAttribute("open", "");
});
addEventListener("afterprint", () => unfolded.splice(0).forEach((each) => each.removeAttribute("open")));
run();
