/** The verdict on the page. Whatever comes out of a file is put there as text, never as markup. */

import { facts, meaning, open, proved, summary } from "./facts.js";
import { isObject } from "./json.js";
import { say, saying } from "./words.js";

/**
 * Controls, and letters that turn the reading direction: a name could rearrange the verdict beside it. A first-strong
 * isolate and its end turn nothing but themselves, and words of a notice that were signed in Arabic hold them.
 */
const CONTROLS = /[\0-\t\v-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066\u2067]/g;

/** An element of some class, with what stands in it. */
export function made(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.map((one) => (typeof one === "string" ? one.replace(CONTROLS, "\ufffd") : one)));
  return element;
}

/** The words that are read out: the verdict, in a word and in a sentence. */
export function announcement(verdict, sources) {
  const [colour, word, why] = summary(verdict, sources);
  return made("div", colour, made("p", "", made("strong", "", word)), made("p", "", why));
}

export function report(verdict, sources) {
  const parts = [titled(say("Step by step")), steps(verdict.steps)];
  if (verdict.anchored) {
    parts.push(titled(say("What this proves")), list(proved(verdict)));
    parts.push(titled(say("What it leaves open")), list(open(verdict, sources)));
  }
  if (verdict.payload) parts.push(...content(verdict));
  if (verdict.hint) parts.push(...hinted(verdict.hint));
  return parts;
}

function titled(text) {
  return made("h3", "", text);
}

function list(sentences) {
  return made("ul", "sentences", ...sentences.map((one) => made("li", "", one)));
}

function steps(all) {
  return made("ol", "checks", ...all.map(stepShown));
}

function stepShown(step) {
  const [className, mark] = {
    true: ["held", say("holds")],
    false: ["failed", say("failed")],
    null: ["unmade", say("not checked")],
  }[step.ok];
  const name = Object.assign(made("span", "name", step.name), { lang: "en" });
  const head = made("p", "check", name, " ", made("strong", "mark", mark));
  const words = step.ok ? [made("p", "", meaning(step))] : [];
  const shown = made("li", className, head, ...words, made("p", "small", saying(step.detail)));
  // Where there are no steps of the log, the numbers leap: they are those of the command line.
  return Object.assign(shown, { value: step.number });
}

/** What the file says: for whoever has no keys, what it claims. */
function content(verdict) {
  const parts = [titled(verdict.anchored ? say("What it says") : say("What it claims")), table(facts(verdict))];
  const { notice_words: words, evidence } = verdict.disclosed;
  if (typeof words === "string") {
    const lines = words.split("\n").map((line) => Object.assign(made("p", "", line), { dir: "auto" }));
    const quote = made("blockquote", "words", ...lines);
    quote.lang = verdict.payload.record.notice.language;
    parts.push(titled(say("The words that were read")), quote);
  }
  if (evidence) parts.push(source(say("The evidence that was stated"), evidence));
  parts.push(source(say("All that was signed"), verdict.payload));
  return parts;
}

function table(rows) {
  const cells = rows.flatMap(([name, value]) => [made("dt", "", name), made("dd", "", made("bdi", "", value))]);
  return made("dl", "facts", ...cells);
}

/** Keys that came with the file. They are shown to compare, and no verdict rests on them. */
function hinted({ jwks, vkeys }) {
  const ids = isObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys.map((key) => key?.kid) : [];
  const keys = [...ids, ...(Array.isArray(vkeys) ? vkeys : [])].filter((key) => typeof key === "string");
  if (!keys.length) return [];
  const words = say("Anybody can put keys into a file: these were not used. Compare them with keys that you have from elsewhere.");
  return [folded(say("Keys that came with the file"), made("p", "", words), list(keys))];
}

function folded(title, ...parts) {
  return made("details", "", made("summary", "", title), ...parts);
}

/** What was signed, to the letter. It scrolls within itself, and so must take the focus. */
function source(title, value) {
  const shown = made("pre", "", JSON.stringify(value, null, 1));
  shown.dir = "ltr";
  shown.tabIndex = 0;
  shown.role = "region";
  shown.ariaLabel = title;
  return folded(title, shown);
}
