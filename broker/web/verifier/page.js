/** The page: what comes in is checked here and nowhere else, and the answer is said in plain words. */

import { brought, fetchKeys, forget, note, take } from "./desk.js";
import { foreign } from "./foreign.js";
import { announcement, made, report } from "./report.js";
import { Failed, told } from "./text.js";
import { verify } from "./verify.js";
import { direction, languages, say, saying, speak, spoken } from "./words.js";

const part = (id) => document.getElementById(id);
const said = new Map([...document.querySelectorAll("[data-say]")].map((one) => [one, one.textContent]));
let shown = null;
let latest = 0;

/** What tests and other programs may ask: the steps with their outcomes, and the verdict. */
globalThis.verifyEvidence = async (text, brought) => {
  const { steps, holds, anchored, logged } = await verify(text, { now: seconds(), ...brought });
  const detail = (step) => new Failed(step.detail.template, step.detail.values).message;
  return { steps: steps.map((step) => ({ ...step, detail: detail(step) })), holds, anchored, logged };
};

async function check() {
  const ticket = ++latest;
  const { text, sources, ...others } = brought();
  await note();
  const refused = text.trim() ? foreign(text) : told("there is no file yet");
  const found = refused ? { refused } : await judged(text, others);
  // A slow answer must not stand beside a file that it is not about.
  if (ticket === latest) answer({ ...found, sources });
}

function answer(found) {
  show(found);
  part("result").scrollIntoView();
}

/** The verdict; `verify` refuses for keys only, whatever the file is. */
async function judged(text, { keys, status }) {
  try {
    return { verdict: await verify(text, { ...keys, status, now: seconds() }) };
  } catch (failure) {
    const isKeys = failure instanceof Failed;
    return {
      refused: isKeys
        ? new Failed("your keys cannot be read: {why}", { why: failure })
        : new Failed("this page failed: {why}", { why: String(failure) }),
    };
  }
}

/** The time of this machine: a list may have expired since. */
function seconds() {
  return Date.now() / 1000;
}

function show(found) {
  shown = found;
  const { verdict, refused, sources } = found;
  part("verdict").replaceChildren(refused ? refusal(refused) : announcement(verdict, sources));
  part("report").replaceChildren(...(refused ? [] : report(verdict, sources)));
}

function refusal(failure) {
  const why = made("p", "", say("Nothing was checked: {why}.", { why: saying(failure) }));
  return made("div", "alert", why);
}

/** A verdict on what no longer stands in the boxes is taken away. */
function clear() {
  latest += 1;
  shown = null;
  part("verdict").replaceChildren(made("p", "", say("Nothing has been checked yet.")));
  part("report").replaceChildren();
}

/** Bring something in, and check once there is a file. */
async function attempt(bring) {
  clear();
  try {
    await bring();
    await (brought().text.trim() ? check() : note());
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    answer({ refused: failure });
  }
}

function listen() {
  part("desk").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  part("desk").addEventListener("input", ({ target }) => {
    if (target.type === "file") return;
    // The name of a file must not stand beside a text that is no longer its own.
    part(target.id.replace("text", "choice")).value = "";
    if (["jwks-text", "vkeys-text"].includes(target.id)) forget();
    clear();
    note();
  });
  for (const kind of ["evidence", "jwks", "vkeys", "status"]) {
    const choice = part(`${kind}-choice`);
    const meant = kind === "evidence" ? undefined : kind;
    choice.addEventListener("change", () => attempt(() => take([...choice.files], meant)));
  }
  listenForDrops();
  part("fetch").addEventListener("click", () => attempt(fetchKeys));
}

/** A file may be dropped anywhere: a browser would otherwise leave the page and open it. */
function listenForDrops() {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    part("drop").classList.add("over");
  });
  addEventListener("dragleave", () => part("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    part("drop").classList.remove("over");
    attempt(() => take([...event.dataTransfer.files]));
  });
}

/** Say everything in the language that was chosen. */
async function translate() {
  Object.assign(document.documentElement, { lang: spoken(), dir: direction() });
  for (const [element, sentence] of said) element.textContent = say(sentence);
  document.title = say("Check a receipt");
  part("languages").setAttribute("aria-label", say("Language"));
  for (const button of part("languages").children) {
    button.setAttribute("aria-pressed", String(button.lang === spoken()));
  }
  await note();
  if (shown) show(shown);
  else clear();
}

function offerLanguages() {
  for (const code of languages()) {
    const button = made("button", "language", new Intl.DisplayNames([code], { type: "language" }).of(code));
    Object.assign(button, { type: "button", lang: code });
    button.addEventListener("click", () => {
      speak(code);
      translate();
    });
    part("languages").append(button);
  }
}

function start() {
  const served = location.protocol.startsWith("http");
  speak(new URLSearchParams(location.search).get("lang") ?? "", ...navigator.languages);
  offerLanguages();
  listen();
  part("dead").remove();
  // Browsers do cryptography on https, on loopback and from disk, and nowhere else.
  part(globalThis.crypto?.subtle ? "desk" : "powerless").hidden = false;
  part("result").hidden = !globalThis.crypto?.subtle;
  part("served").hidden = part("save").hidden = !served;
  translate();
}

start();
