/** The page's words: English in the code, every other language in a file of its own. */

import { filled } from "./text.js";
import { LANGUAGES } from "./languages.js";

const SOURCE = "en";
/** Written from right to left. */
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
/** A value stands by itself, whatever its letters' direction: from here, to here (Unicode UAX 9). */
const [FIRST_STRONG, END] = ["\u2068", "\u2069"];
let language = SOURCE;

export function languages() {
  return [SOURCE, ...Object.keys(LANGUAGES)];
}

export function spoken() {
  return language;
}

/** Speak the first of some languages that the page knows. */
export function speak(...wanted) {
  const known = wanted.map((one) => String(one).split(/[-_]/)[0].toLowerCase());
  language = known.find((one) => languages().includes(one)) ?? SOURCE;
}

/** Which way the page's language is written. */
export function direction() {
  return RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

/** A sentence in the page's language, its values put in. */
export function say(template, values = {}) {
  const alone = Object.entries(values).map(([name, value]) => [name, standing(String(value))]);
  return filled(LANGUAGES[language]?.[template] ?? template, Object.fromEntries(alone));
}

/** A value that turns nothing beside it: an end without a beginning would be the sentence's. */
function standing(value) {
  let open = 0;
  let sound = true;
  for (const letter of value) {
    open += (letter === FIRST_STRONG) - (letter === END);
    sound &&= open >= 0;
  }
  const own = sound && open === 0 ? value : value.replace(/[\u2068\u2069]/g, "\ufffd");
  return direction() === "rtl" ? FIRST_STRONG + own + END : own;
}

/** Say a sentence that was told before; another may stand in it. */
export function saying({ template, values }) {
  const said = Object.entries(values).map(([name, value]) => [name, value?.template ? saying(value) : value]);
  return say(template, Object.fromEntries(said));
}

/** A moment in the page's language, to the minute, in UTC. */
export function moment(text) {
  const form = { dateStyle: "long", timeStyle: "short", timeZone: "UTC" };
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return say("a time beyond all calendars");
  return `${new Intl.DateTimeFormat(language === SOURCE ? "en-GB" : `${language}-u-nu-latn`, form).format(date)} UTC`;
}
