/** Bytes and their writings. One value has one writing; any other is refused. */

/** A check did not hold. The template is what a page translates, the values are put into it. */
export class Failed extends Error {
  constructor(template, values = {}) {
    super(filled(template, values));
    this.template = template;
    this.values = values;
  }
}

/** A step that was not made, and why. */
export class Lacking {
  constructor(template, values) {
    this.why = told(template, values);
  }
}

/** A sentence that is not said yet: the language is chosen when it is shown. */
export function told(template, values = {}) {
  return { template, values };
}

export function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** What Python takes for space: the command line and this page must cut the same file alike. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");

export function strip(text) {
  return text.replace(AROUND, "");
}

/** The bytes of canonical base64, or null. */
export function fromBase64(text) {
  try {
    const raw = atob(text);
    return btoa(raw) === text ? Uint8Array.from(raw, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

/** The bytes of canonical base64url without padding. */
export function fromBase64Url(text) {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4);
  const raw = /[^A-Za-z0-9_-]/.test(text) ? null : fromBase64(plain);
  if (raw === null) throw new Failed("a part is not canonical base64url");
  return raw;
}

export function toBase64Url(bytes) {
  const raw = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function utf8(text) {
  return new TextEncoder().encode(text);
}

export function ascii(text) {
  if (/[^\x00-\x7f]/.test(text)) throw new Failed("an SD-JWT is ASCII");
  return utf8(text);
}

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
