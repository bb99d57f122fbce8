// What a receipt opens (evidence/receipt.py), and what follows from it.
const VERSION = 2;
const WHEN = /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]Z$/;

function canonical(object) {
  const parts = Object.keys(object).sort().map((name) => {
    const each = object[name];
    const text = typeof each === "object" && each !== null && !Array.isArray(each) ? canonical(each)
      : typeof each === "string" || Number.isSafeInteger(each) ? JSON.stringify(each) : null;
    if (text === null || /\p{Surrogate}/u.test(name + each)) throw new Error(visible(name));
    return JSON.stringify(name) + ":" + text;
  });
  return "{" + parts.join(",") + "}";
}

function checkShape(values, part) {
  if (typeof values !== "object" || values === null) throw new Error(part);
  const names = WORDS[part];
  for (const [name, each] of Object.entries(values)) {
    const kind = own(names, name) ? { true: "number", false: "string" }[names[name]] : null;
    if (typeof each !== kind || each === "") throw new Error(visible(name));
  }
  for (const name of WORDS.required[part]) if (!own(values, name)) throw new Error(name);
}

function parseReceipt(proof) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(proof.extra);
  const extra = JSON.parse(text);
  if (extra === null || typeof extra !== "object" || canonical(extra) !== text) throw new Error("RFC 8785");
  const names = new Set(Object.keys(extra));
  const opened = own(extra, "person") ? ["person", "salt_who"] : ["who"];
  for (const name of ["v", "facts", "salt_what", ...opened]) {
    if (!names.delete(name)) throw new Error(name);
  }
  names.delete("opening_key");
  if (names.size || extra.v !== VERSION) throw new Error(visible([...names].join(", ") || "v"));
  checkShape(extra.facts, "facts");
  for (const name of ["happened", "recorded"]) if (!WHEN.test(extra.facts[name])) throw new Error(name);
  const receipt = { facts: extra.facts, person: extra.person ?? {}, saltWhat: unhex(extra.salt_what, 16) };
  if (own(extra, "person")) {
    checkShape(extra.person, "person");
    if (own(extra.person, "opening") !== own(extra.person, "binding")) throw new Error("opening");
    receipt.saltWho = unhex(extra.salt_who, 16);
    if (extra.salt_what === extra.salt_who) throw new Error("salt_who");
  } else {
    receipt.who = unhex(extra.who, 32);
  }
  if (own(extra, "opening_key")) receipt.openingKey = unhex(extra.opening_key, extra.opening_key.length / 2);
  return receipt;
}

async function commitments(receipt) {
  const tag = (name) => utf8(`informativa/${name}/v${VERSION}\n`);
  const what = await sha256(tag("what"), receipt.saltWhat, utf8(canonical(receipt.facts)));
  const who = receipt.who ?? await sha256(tag("who"), receipt.saltWho, utf8(canonical(receipt.person)));
  const leaf = await sha256([0], tag("record"), what, who);
  return { what, who, leaf };
}

// Whether the exact times lie within the minutes.
function timesFit(receipt) {
  return ["happened", "recorded"].every((name) => {
    if (!own(receipt.person, name)) return !own(receipt, "saltWho");
    const at = new Date(Math.floor(receipt.person[name] / 60e6) * 60e3);
    return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 16) + "Z" === receipt.facts[name];
  });
}

// Whether the opening key is this record's.
async function isItsKey(receipt) {
  if (!receipt.openingKey || !own(receipt.person, "opening")) return true;
  return hex(await sha256(utf8("informativa/opening/v2\n"), receipt.openingKey)) === receipt.person.opening;
}

async function isAbout(receipt, number) {
  if (!receipt.openingKey || !own(receipt.person, "binding")) return false;
  const form = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", receipt.openingKey, form, false, ["sign"]);
  const typed = number.startsWith("+") ? number.replace(/[\s().\/-]/g, "") : number;
  for (const each of [typed, "customer:" + number]) {
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(each)));
    if (hex(mac) === receipt.person.binding) return true;
  }
  return false;
}

// The digest by which a record names a recording: of its formats' hashes (model/plan.py).
const digestOf = async (files) => hex(await sha256(utf8(canonical(files))));
