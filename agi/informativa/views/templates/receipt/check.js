// Whether a proof and its record hold by some keys: the steps of that, each by its name and state. The words for them are
// the page's, and so is where the proof comes from.
const TOLERANCE = 10; // minutes that two clocks may differ (evidence/leaf_times.py)
const minute = (at) => new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ");

class Report {
  constructor() {
    this.lines = [];
  }
  add(state, name, values) {
    this.lines.push({ state, name, values });
    return state === "good";
  }
  test(holds, name, otherwise, values) {
    return this.add(holds ? "good" : "bad", holds ? name : otherwise, values);
  }
  async attempt(work, otherwise) {
    try {
      return await work();
    } catch (error) {
      this.add("bad", otherwise, { why: visible(error.message) });
      return null;
    }
  }
}

// The first time at which a witness signed, in POSIX seconds.
async function checkSignatures(report, note, keys) {
  let first = Infinity;
  if (!await hasEd25519()) {
    report.add("open", "no_ed25519");
    return first;
  }
  const logs = keys.filter((each) => each.kind === 1 && each.name === note.origin);
  const lines = (key) => note.signatures.filter((each) => each.name === key.name && same(each.id, key.id));
  if (!logs.some((key) => lines(key).length)) report.add("bad", "other_key");
  for (const key of keys) {
    for (const line of lines(key)) {
      const holds = await verifyLine(key, line, note.text);
      if (!holds) report.add("bad", "not_signed", { name: visible(key.name) });
      else if (key.kind === 1) report.add("good", "signed", { name: visible(key.name) + "+" + hex(key.id) });
      else {
        const at = Number(cosignedAt(line));
        first = Math.min(first, at);
        report.add("good", "witnessed", { name: visible(key.name), when: minute(at) });
      }
    }
  }
  if (first === Infinity) report.add("note", "no_witness");
  return first;
}

// What the proof bears out; null where it opens no record.
async function checkProof(report, proof, keys) {
  const { index, hashes, note } = proof;
  const signed = await checkSignatures(report, note, keys);
  const receipt = await report.attempt(() => parseReceipt(proof), "not_canonical");
  if (!receipt) return null;
  report.add("good", "canonical");
  const { facts } = receipt;
  report.test(facts.log === note.origin && BigInt(facts.record) === index, "same_record", "other_record");
  report.test(timesFit(receipt), "times", "two_times");
  if (Date.parse(facts.recorded) / 1000 > signed + TOLERANCE * 60) report.add("remark", "late", { minutes: TOLERANCE });
  if (!await isItsKey(receipt)) report.add("bad", "other_opening");
  const made = await commitments(receipt);
  report.test(await isIncluded(index, note.size, made.leaf, hashes, note.root), "included", "not_included");
  return { receipt, made };
}
