/** The page's words: English in the code, every other language in a file of its own. */

import { filled } from "./text.js";
import { LANGUAGES } from "./languages.js";

const SOURCE = "en";
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

/** A sentence in the page's language, its values put in. */
export function say(template, values = {}) {
  return filled(LANGUAGES[language]?.[template] ?? template, values);
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
  return `${new Intl.DateTimeFormat(language === SOURCE ? "en-GB" : language, form).format(date)} UTC`;
}
