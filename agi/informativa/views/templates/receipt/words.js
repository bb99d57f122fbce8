// How a fact is said. The page's maker does the same (operations/evidence/page_words.py, model/invisible.py).
const WORDS = JSON.parse(document.getElementById("words").textContent);
const INVISIBLE = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f" +
  "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb" +
  "\\u{e0000}-\\u{e0fff}\\ud800-\\udfff]", "gu");

const own = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
const visible = (text) => text.replace(INVISIBLE, (each) =>
  "⟨U+" + each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
const filled = (template, values) => template.replace(/\{(\w+)\}/g, (whole, name) =>
  own(values, name) ? String(values[name]) : whole);
const said = (name, values = {}) => filled(WORDS.said[name], values);

function seconds(samples, rate) {
  const tenths = rate > 0 ? (20n * BigInt(samples) + BigInt(rate)) / (2n * BigInt(rate)) : 0n;
  return filled(WORDS.tenths, { whole: tenths / 10n, tenth: tenths % 10n });
}

// The parts of a minute in UTC, as a zone's clock has them.
function moment(text, zone) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 16) + "Z" !== text) return text;
  const form = { timeZone: zone, hourCycle: "h23", calendar: "gregory", numberingSystem: "latn",
    year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const parts = {};
  for (const each of new Intl.DateTimeFormat("en-US", form).formatToParts(at)) parts[each.type] = each.value;
  return filled(WORDS.moment, { day: parts.day, month: WORDS.months[parts.month - 1], year: parts.year,
    time: parts.hour + ":" + parts.minute });
}

function knownZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en-US", { timeZone: zone }));
  } catch {
    return false;
  }
}

// One value of a sentence; null where this receipt has no such fact.
function value([how, of], facts, person) {
  if (how === "given") return of;
  const from = how === "person" || how === "short" ? person : facts;
  if (!own(from, of)) return null;
  const fact = String(from[of]);
  if (how === "short") return fact.slice(0, 8);
  if (how === "code") return own(WORDS.codes[of], fact) ? WORDS.codes[of][fact] : fact;
  if (how === "names") {
    return fact.split(" ").map((one) => (own(WORDS.names, one) ? WORDS.names[one] : one)).join(", ");
  }
  if (how === "options") {
    return fact.split(" ").map((one) => one.replace(/=(.*)$/u, (whole, answer) =>
      " = " + (own(WORDS.options, answer) ? WORDS.options[answer] : answer))).join(", ");
  }
  if (how === "seconds") return own(facts, "rate") ? seconds(facts[of], facts.rate) : null;
  if (how === "local") return moment(fact, WORDS.zone);
  return how === "utc" ? moment(fact, "UTC") : fact;
}

// The sentence that the proof bears out; null where it bears out none of this kind.
function sentence(claim, facts, person) {
  const values = {};
  for (const [place, source] of Object.entries(claim.sources)) {
    const made = value(source, facts, person);
    if (made === null) return null;
    values[place] = visible(made);
  }
  return filled(claim.template, values);
}
