/** What evidence says, and what its verdict proves and leaves open, in plain sentences. */

import { isObject } from "./json.js";
import { VOCABULARY } from "./vocabulary.js";
import { moment, say, saying } from "./words.js";

/** Each step in plain words, for when it holds. */
const MEANINGS = {
  form: () => say("The file can be read, and has the form of signed evidence."),
  header: () => say("It says how it was signed, and brings no key of its own."),
  key: () => say("The key it names is in the key set that you brought."),
  signature: () => say("The signature is that key's: not a letter was changed."),
  payload: () => say("Everything such a file must say is there, and fits together."),
  disclosures: () => say("The values shown are the ones that were signed."),
  inclusion: () => say("The proof leads from this file to the root of the log."),
  checkpoint: () => say("The log signed that root, with a key that you brought."),
  status: () => say("The status list is the receipt's own, is signed, and agrees with it."),
};

const EVENTS = {
  "dpv:ConsentGiven": (it) =>
    say("On {time} consent was given to {business}, for: {purposes}. It was to hold until {until}.", it),
  "dpv:ConsentRefused": (it) => say("On {time} consent was refused to {business}, for: {purposes}.", it),
  "dpv:ConsentWithdrawn": (it) =>
    say("On {time} the consent given to {business} was withdrawn, for: {purposes}.", it),
  "dpv:ConsentRevoked": (it) =>
    say("On {time} the consent given to {business} was ended by somebody other than the person, for: {purposes}.", it),
  "dpv:ConsentExpired": (it) => say("On {time} the consent given to {business} ran out, for: {purposes}.", it),
};

const STATED = {
  user_provided: (it) =>
    say("On {time} {business} stated that the person gave it this account; to be expected: {purposes}.", it),
  public: (it) =>
    say("On {time} {business} stated that it has this account from a public source; to be expected: {purposes}.", it),
};

const ERASED = {
  person: (it) => say("On {time} {broker} destroyed what it kept of one account, as the person asked.", it),
  operator: (it) => say("On {time} {broker} destroyed what it kept of one account, by an operator's hand.", it),
};

const DONE = {
  unlinked: (it) => say("On {time} {business} stated that it had taken the link away.", it),
  deleted: (it) => say("On {time} {business} stated that it had deleted what it held.", it),
  restricted: (it) => say("On {time} {business} stated that it keeps what it held, and does not use it any more.", it),
};

export function meaning(step) {
  return MEANINGS[step.name]();
}

/** How the verdict is coloured, the verdict in a word, and in a sentence. */
export function summary(verdict, sources) {
  const last = verdict.steps.at(-1);
  if (!verdict.holds) {
    return ["alert", say("Not valid: step {number} ({name}) failed.", last), failed(last)];
  }
  if (!verdict.anchored) return ["what", say("Consistent, not anchored."), lacking(verdict)];
  const colour = listed(verdict)?.ok === null ? "what" : "done";
  const word = verdict.logged ? say("Valid, and in the log.") : say("Valid.");
  return [colour, word, [signed(verdict, sources), ...standing(verdict)].join(" ")];
}

/** Why not. A list that does not bear a receipt out says nothing against the steps before. */
function failed({ name, detail }) {
  const why = plainly(detail);
  return name === "status"
    ? say("Why: {why}. No step before this one failed; do not rely on this consent all the same.", { why })
    : say("Why: {why}. Rely on nothing in this file.", { why });
}

/** A step's own words, with a time as people write it. */
function plainly({ template, values }) {
  const { time } = values;
  return saying({ template, values: time ? { ...values, time: moment(time) } : values });
}

/** The step of the status list; undefined where none was brought. */
function listed({ steps }) {
  return steps.find(({ name }) => name === "status");
}

function isGiven({ record }) {
  return record?.event.state === VOCABULARY.given;
}

/** Whether the consent still stands, where a list was brought. */
function standing(verdict) {
  const step = listed(verdict);
  if (!step) return [];
  if (step.ok === null) {
    return [say("Whether the consent still stands was not answered: {why}.", { why: plainly(step.detail) })];
  }
  const at = { time: moment(step.detail.values.time) };
  return isGiven(verdict.payload)
    ? [say("The consent still stands as of {time}.", at)]
    : [say("There is no consent, and the status list of {time} says so too.", at)];
}

/** What would anchor a verdict that is not. */
function lacking({ revoked }) {
  return revoked
    ? say("Its key was compromised, so that only its place in the log counts. Bring the log's verifier keys.")
    : say("Nothing in it disagrees, but anybody can make such a file. Bring the broker's key set.");
}

/** Whose key it is: what was fetched from the page's own broker was not brought. */
function signed({ logged }, { servedBy: origin }) {
  if (origin) return say("It is signed by a key that {origin} handed out just now.", { origin });
  return logged
    ? say("It is signed by a key that you brought, and the log whose key you brought holds it.")
    : say("It is signed by a key that you brought.");
}

/** What an anchored verdict proves. */
export function proved(verdict) {
  const { payload, place, logged } = verdict;
  const found = [
    say("Whoever holds the key signed this file, and nothing that was signed has changed since."),
    say("They signed this: {event}", { event: event(payload) }),
  ];
  if (logged) {
    found.push(say("The log {origin} holds it as leaf {index} of {size}.", place));
    found.push(say("To take it out or change it, the log would have to contradict what it signed."));
  }
  return listed(verdict)?.ok ? [...found, ...standing(verdict)] : found;
}

/** What no file can prove. */
export function open(verdict, { servedBy: origin }) {
  const { payload, logged, place } = verdict;
  const found = [
    origin
      ? say("Whether the keys are the right ones: {origin} served them, and this page too. You trust that broker.", { origin })
      : say("Whether the keys are the broker's: that is as sure as the way in which you came by them."),
  ];
  if (payload.erasure) found.push(say("What others hold of the account: businesses, and whoever has a copy."));
  if (payload.action) found.push(say("Whether the business did it: only that it stated so, with its own key."));
  if (payload.statement) found.push(say("Whether what the business stated is true: only that it stated it."));
  if (isGiven(payload)) found.push(unlisted(verdict));
  if (!logged) found.push(unlogged(place));
  return found;
}

/** What is left open of a consent, and where the list is that tells. */
function unlisted(verdict) {
  const { uri } = verdict.payload.status.status_list;
  const step = listed(verdict);
  if (!step) {
    return say("Whether the consent still stands: the receipt of its end tells, and the status list. Open {uri}, save what it gives, and bring it as a second file.", { uri });
  }
  if (!step.ok) return say("Whether the consent still stands: the list that you brought does not answer. A newer one is at {uri}.", { uri });
  return say("What became of the consent since then. A newer list is at {uri}.", { uri });
}

function unlogged(place) {
  return place
    ? say("Whether the log holds it: the proof is here, but its signature was not checked with a key of the log's.")
    : say("Whether the log holds it: this file brings no proof of that. A bundle does, once the log has taken it in.");
}

/** What the file says, a name and a value each; only what is text is shown. */
export function facts({ payload, disclosed, kid, logged, place }) {
  return [
    [say("Broker"), payload.iss],
    ...said(payload, disclosed),
    ...(logged ? [[say("Log"), say("{origin}, leaf {index} of {size}", place)]] : []),
    [say("Number"), payload.jti],
    [say("Key"), kid],
  ];
}

/** What each kind of evidence says of its own. */
function said(payload, disclosed) {
  if (payload.action) return done(payload);
  return payload.erasure ? erased(payload, disclosed) : answered(payload, disclosed);
}

/** What the receipt of an action says: of which event, and of nobody. */
function done({ action }) {
  return [
    [say("Business"), text(action.stated_by.name)],
    [say("Event"), text(action.event)],
    [say("Done"), moment(Date.parse(action.done_at))],
    [say("Time"), moment(Date.parse(action.received_at))],
  ];
}

/** What a receipt or a statement says. */
function answered(payload, disclosed) {
  const { record, statement } = payload;
  const stated = record ?? statement;
  return [
    [say("Business"), names(payload)],
    [say("Account"), account(disclosed.account)],
    [say("Record"), isObject(disclosed.identifier) ? text(disclosed.identifier.value) : withheld()],
    [say("Purposes"), purposes(payload)],
    [say("Time"), moment(issued(payload))],
    ...(record ? [[say("Valid until"), moment(record.event.valid_until)]] : []),
    ...(record ? [[say("Status list"), text(payload.status.status_list.uri)]] : []),
    ...(record?.event.signals?.gpc === true ? [[say("The browser's signal"), "Global Privacy Control"]] : []),
    [say("Platform"), stated.platform],
    [say("Terms"), `${stated.policy.id}, ${stated.policy.version}`],
  ];
}

/** What the certificate of an erasure says: of whom, in the person's own copy alone. */
function erased(payload, disclosed) {
  const { withdrawn, destroyed, kept } = payload.erasure;
  return [
    [say("Account"), account(disclosed.account)],
    [say("Time"), moment(issued(payload))],
    [say("Consents withdrawn"), `${withdrawn}`],
    [say("Rows destroyed"), counted(destroyed)],
    [say("Rows kept without a name"), counted(kept)],
  ];
}

function counted(rows) {
  return Object.entries(rows).map(([name, count]) => `${name} ${count}`).join(", ") || "0";
}

function event(payload) {
  const { record, statement, erasure, action } = payload;
  if (action) return did(action, moment(issued(payload)));
  if (erasure) return ERASED[erasure.by]({ time: moment(issued(payload)), broker: text(erasure.erased_by.name) });
  const values = { business: names(payload), time: moment(issued(payload)), purposes: purposes(payload) };
  if (statement) return STATED[statement.tag](values);
  return EVENTS[record.event.state]({ ...values, until: moment(record.event.valid_until) });
}

/** What a business says that it did; of an action that this page does not know, its own word. */
function did({ action, stated_by: business }, time) {
  const words = Object.hasOwn(DONE, action) ? DONE[action] : ({ time: at }) => `${at}: ${text(action)}`;
  return words({ time, business: text(business.name) });
}

function issued(payload) {
  return payload.iat * 1000;
}

function names({ record, statement }) {
  return text((statement ? statement.stated_by : record.parties[0]).name);
}

function purposes({ record, statement }) {
  if (statement) return statement.expected_purposes.join(say(", "));
  return record.processing.map((entry) => text(entry.purpose_text ?? entry.purpose_id)).join(say(", "));
}

function account(value) {
  if (!isObject(value)) return withheld();
  const handles = [value.handle, ...(Array.isArray(value.handles) ? value.handles : [])].filter(Boolean);
  return [...handles.map((handle) => `@${text(handle)}`), ...(value.id ? [text(value.id)] : [])].join(", ");
}

function withheld() {
  return say("not shown in this file");
}

function text(value) {
  return typeof value === "string" ? value : say("not named");
}
