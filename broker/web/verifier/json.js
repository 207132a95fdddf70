/** The strict reader of JSON: what two parsers could read differently is refused. */

import { Failed, utf8 } from "./text.js";

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_VALUES = 200_000;
const MAX_INTEGER = 2n ** 53n;
const MAX_DIGITS = 17;
const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const LITERALS = { true: true, false: false, null: null };

/** A number written with a fraction or an exponent: 1.0 is no integer, and no time. */
export class Real {
  constructor(text) {
    this.text = text;
  }

  toJSON() {
    return Number(this.text);
  }
}

export function readJson(text) {
  if (utf8(text).length > MAX_BYTES) throw new Failed("more than {size} bytes are not read", { size: MAX_BYTES });
  return new Reader(text).whole();
}

export function readJsonBytes(bytes) {
  let text;
  try {
    // ignoreBOM keeps the mark, and JSON does not begin with one.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failed("the text must be UTF-8");
  }
  return readJson(text);
}

/** An object, without a prototype whose members could pass for its own; anything else is refused. */
export function asObject(value) {
  if (!isObject(value)) throw new Failed("a JSON object is expected");
  return value;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Real);
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.separators = 0;
  }

  whole() {
    const value = this.value(0);
    this.skip();
    if (this.at < this.text.length) this.refuse();
    return value;
  }

  value(depth) {
    this.skip();
    const letter = this.text[this.at];
    if (letter === "{") return this.object(depth + 1);
    if (letter === "[") return this.list(depth + 1);
    if (letter === '"') return this.string();
    return this.literal();
  }

  object(depth) {
    const members = Object.create(null);
    this.entries("}", depth, () => {
      const name = this.name();
      this.take(":");
      // A reader that took the first and one that took the last would see two different files.
      if (name in members) throw new Failed("the member {name} stands twice in one object", { name: name.slice(0, 40) });
      members[name] = this.value(depth);
    });
    return members;
  }

  list(depth) {
    const found = [];
    this.entries("]", depth, () => found.push(this.value(depth)));
    return found;
  }

  entries(end, depth, read) {
    if (depth > MAX_DEPTH) throw new Failed("more than {depth} levels are not read", { depth: MAX_DEPTH });
    this.at += 1;
    this.skip();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    do read();
    while (this.another(end));
  }

  another(end) {
    this.skip();
    if (this.text[this.at] !== end) {
      this.take(",");
      return true;
    }
    this.at += 1;
    return false;
  }

  take(sign) {
    this.skip();
    if (this.text[this.at] !== sign) this.refuse();
    this.at += 1;
    this.separators += 1;
    if (this.separators > MAX_VALUES) throw new Failed("more than {count} values are not read", { count: MAX_VALUES });
  }

  name() {
    this.skip();
    if (this.text[this.at] !== '"') this.refuse();
    return this.string();
  }

  string() {
    const begin = this.at;
    do this.at += this.text[this.at] === "\\" ? 2 : 1;
    while (this.at < this.text.length && this.text[this.at] !== '"');
    this.at += 1;
    const value = this.unquoted(this.text.slice(begin, this.at));
    if (/\0|\p{Surrogate}/u.test(value)) throw new Failed("text must hold neither NUL nor half a letter");
    return value;
  }

  unquoted(quoted) {
    try {
      return JSON.parse(quoted);
    } catch {
      return this.refuse();
    }
  }

  literal() {
    for (const [name, value] of Object.entries(LITERALS)) {
      if (this.text.startsWith(name, this.at)) {
        this.at += name.length;
        return value;
      }
    }
    return this.number();
  }

  number() {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) this.refuse();
    this.at += found[0].length;
    return found[1] || found[2] ? real(found[0]) : integer(found[0]);
  }

  skip() {
    BLANK.lastIndex = this.at;
    this.at += BLANK.exec(this.text)[0].length;
  }

  refuse() {
    throw new Failed("not JSON, from character {at} on", { at: this.at });
  }
}

function integer(text) {
  const value = text.length > MAX_DIGITS ? null : BigInt(text);
  if (value === null || value > MAX_INTEGER || value < -MAX_INTEGER) throw new Failed("integers must lie within 2^53");
  return Number(value);
}

function real(text) {
  if (!Number.isFinite(Number(text))) throw new Failed("numbers must be finite");
  return new Real(text);
}
