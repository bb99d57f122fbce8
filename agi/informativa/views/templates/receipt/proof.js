// A tlog-proof, a signed note and their hashes, from the formats (c2sp.org) alone. Throws Error with what is
// wrong. Works with whatever text and bytes are given, and with no part of the page.
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const ORDER_8 = BigInt("0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826");
const SMALL = [0n, 1n, P - 1n, ORDER_8, P - ORDER_8];
const LARGEST = 2n ** 63n - 1n;

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => {
  let binary = "";
  for (const each of bytes) binary += String.fromCharCode(each);
  return btoa(binary);
};
const same = (one, other) => hex(one) === hex(other);
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}

function decoded(text) {
  let bytes = null;
  try {
    bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  } catch {
    throw new Error("base64: " + text.slice(0, 20));
  }
  if (base64(bytes) !== text) throw new Error("base64: " + text.slice(0, 20));
  return bytes;
}

function unhex(text, size) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})+$/.test(text) || text.length !== 2 * size) {
    throw new Error("hex: " + String(text).slice(0, 20));
  }
  return Uint8Array.from(text.match(/../g), (each) => parseInt(each, 16));
}

function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > LARGEST) throw new Error("number: " + text);
  return BigInt(text);
}

function sized(bytes, size) {
  if (bytes.length !== size) throw new Error(bytes.length + " bytes, not " + size);
  return bytes;
}

function parseProof(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const cut = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(cut, 0)).split("\n");
  if (cut < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Error("c2sp.org/tlog-proof");
  if (!(lines[0] ?? "").startsWith("extra ")) throw new Error("extra");
  const extra = decoded(lines.shift().slice(6));
  if (!(lines[0] ?? "").startsWith("index ")) throw new Error("index");
  const index = decimal(lines.shift().slice(6));
  if (lines.length > 63) throw new Error(lines.length + " hashes");
  return { extra, index, hashes: lines.map((each) => sized(decoded(each), 32)), note: parseNote(text.slice(cut + 2)) };
}

function parseNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n") || /[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Error("c2sp.org/signed-note");
  const text = note.slice(0, cut + 1);
  const signatures = note.slice(cut + 2, -1).split("\n").map((line) => {
    const found = /^— ([^\s+]+) (\S+)$/u.exec(line);
    const data = found && decoded(found[2]);
    if (!data || data.length < 5) throw new Error("c2sp.org/signed-note");
    return { name: found[1], id: data.slice(0, 4), data: data.slice(4) };
  });
  const lines = text.split("\n");
  if (lines.length !== 4 || !lines[0]) throw new Error("c2sp.org/tlog-checkpoint");
  return { text, signatures, origin: lines[0], size: decimal(lines[1]), root: sized(decoded(lines[2]), 32) };
}

// name+hex(ID)+base64(type ‖ key)
async function parseKey(vkey) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(vkey);
  if (!found) throw new Error(vkey.slice(0, 40));
  const [, name, id] = found;
  const data = sized(decoded(found[3]), 33);
  const digest = await sha256(utf8(name + "\n"), data);
  const isPoint = point(data.slice(1));
  if (hex(digest.slice(0, 4)) !== id || !isPoint || ![1, 4].includes(data[0])) throw new Error(name);
  return { name, id: digest.slice(0, 4), kind: data[0], key: data.slice(1) };
}

const little = (bytes) => BigInt("0x" + hex(Uint8Array.from(bytes).reverse()));

// Whether it can be somebody's key: one way to write a point, and not one of small order.
function point(bytes) {
  const y = little(bytes) & ((1n << 255n) - 1n);
  return y < P && !SMALL.includes(y);
}

async function hasEd25519() {
  try {
    const key = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 32);
    const signature = unhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", 64);
    return await rawVerify(key, signature, new Uint8Array(0)); // RFC 8032 7.1, test 1
  } catch {
    return false;
  }
}

async function rawVerify(key, signature, message) {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
}

async function verifySignature(key, signature, message) {
  if (signature.length !== 64 || !point(key) || little(signature.slice(32)) >= L) return false;
  if ((little(signature.slice(0, 32)) & ((1n << 255n) - 1n)) >= P) return false;
  try {
    return await rawVerify(key, signature, message);
  } catch {
    return false;
  }
}

// Whether one line of a note is this key's; a witness's begins with its time (c2sp.org/tlog-cosignature).
async function verifyLine(key, line, text) {
  if (key.kind === 1) return verifySignature(key.key, line.data, utf8(text));
  if (line.data.length !== 72) return false;
  const message = utf8("cosignature/v1\ntime " + cosignedAt(line) + "\n" + text);
  return verifySignature(key.key, line.data.slice(8), message);
}

const cosignedAt = (line) => BigInt("0x" + hex(line.data.slice(0, 8)));

// RFC 9162 2.1.3.2
async function isIncluded(index, size, leaf, hashes, root) {
  if (index >= size) return false;
  let [node, last, hash] = [index, size - 1n, leaf];
  for (const each of hashes) {
    if (last === 0n) return false;
    if (node & 1n || node === last) {
      hash = await sha256([1], each, hash);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await sha256([1], hash, each);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && same(hash, root);
}
