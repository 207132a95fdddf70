/** What each kind of signed evidence must say: receipt, provenance statement, certificate, receipt of an action. */

import { isObject } from "./json.js";
import { isSignedBy } from "./keys.js";
import { payloadOf } from "./sdjwt.js";
import { Failed, told } from "./text.js";
import { VOCABULARY } from "./vocabulary.js";

const { purposes: PURPOSES, states: STATES, answers: ANSWERS, sources: SOURCES } = VOCABULARY;
const NARROWER = new RegExp(`^(?:${VOCABULARY.narrower})$`);
const TIME = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;
const POLICY = ["id", "version", "digest"];
const NOTICE = ["id", "version", "language", "sha256", "text_sha256"];
const NAMES = ["iss", "jti", "sub", "aud", "vct"];

export const KINDS = {
  [VOCABULARY.receipt]: {
    name: "receipt",
    names: NAMES,
    disclosed: ["account", "identifier", "notice_words"],
    check: checkReceipt,
    checkDisclosures: checkWords,
  },
  [VOCABULARY.statement]: {
    name: "statement",
    names: NAMES,
    disclosed: ["account", "identifier", "evidence"],
    check: checkStatement,
    checkDisclosures: checkEvidence,
  },
  [VOCABULARY.certificate]: {
    name: "certificate of an erasure",
    names: ["iss", "jti", "vct"],
    disclosed: ["account"],
    check: checkErasure,
    checkDisclosures: () => {},
  },
  [VOCABULARY.action]: {
    name: "receipt of an action",
    names: ["iss", "jti", "aud", "vct"],
    disclosed: [],
    check: checkAction,
    checkDisclosures: () => {},
  },
};

/** Seconds since 1970 of an RFC 3339 time, or null. */
export function seconds(text) {
  const [found, ...parts] = (typeof text === "string" && TIME.exec(text)) || [];
  if (!found) return null;
  const [year, month, day, hour, minute, second] = parts.map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A date rolls over what no calendar holds: 30 February must not become 2 March.
  const shown = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours()];
  const sound = shown.join() === [year, month, day, hour].join() && year > 0 && minute < 60 && second < 60;
  const [sign, hours, minutes] = [parts[6] === "-" ? -1 : 1, Number(parts[7] ?? 0), Number(parts[8] ?? 0)];
  return sound && hours < 24 && minutes < 60 ? date.getTime() / 1000 - sign * (hours * 3600 + minutes * 60) : null;
}

function checkReceipt(claims) {
  const record = table(claims, "record");
  const event = table(record, "event");
  checkEvent(event, claims.iat);
  checkRecord(record);
  const { uri } = table(table(claims, "status"), "status_list");
  if (typeof uri !== "string" || !uri.startsWith(`${claims.iss}/`)) throw new Failed("the status list is not the issuer's");
  return told("{state} at {time}, valid until {until}", {
    state: event.state,
    time: event.time,
    until: event.valid_until,
  });
}

/** The event's state, type and times, and that they say the same. */
function checkEvent(event, issued) {
  if (typeof event.state !== "string" || !Object.hasOwn(STATES, event.state)) {
    throw new Failed("record.event.state must be a status of consent");
  }
  if (event.type !== STATES[event.state]) throw new Failed("record.event.type is not that of its state");
  checkTexts(event, "record.event", ["by", "method", "txn"]);
  for (const name of ["time", "valid_until"]) {
    if (seconds(event[name]) === null) throw new Failed("record.event.{name} is not a time with its zone", { name });
  }
  if (typeof issued !== "number" || issued !== seconds(event.time)) throw new Failed("iat is not the time of the event");
}

/** What a consent record must say: notice, parties, policy, withdrawal, and each purpose by its own name. */
function checkRecord(record) {
  checkTexts(table(record, "notice"), "record.notice", NOTICE);
  checkTexts(table(record, "policy"), "record.policy", POLICY);
  checkTexts(table(record, "withdrawal"), "record.withdrawal", ["uri", "control"]);
  checkTexts(record, "record", ["record_id", "platform"]);
  const { parties, processing } = record;
  if (!Array.isArray(parties) || parties.length !== 2 || !parties.every(isObject)) {
    throw new Failed("record.parties must name the business and the broker");
  }
  if (!Array.isArray(processing) || !processing.length) throw new Failed("record.processing must be a list of purposes");
  if (!processing.every((entry) => isObject(entry) && isPurpose(entry))) {
    throw new Failed("a purpose is not one of the vocabulary, nor one under it");
  }
}

/** Whether a purpose bears its own concept, or a client's own one that of the purpose it stands under. */
function isPurpose({ purpose_id: own, broader = null, purpose }) {
  const known = broader ?? own;
  if (typeof own !== "string" || typeof known !== "string" || !Object.hasOwn(PURPOSES, known)) return false;
  if (purpose !== PURPOSES[known]) return false;
  return broader === null || (!Object.hasOwn(PURPOSES, own) && NARROWER.test(own));
}

/** The words that are shown are the notice's, and an answer's were signed. */
function checkWords(claims, disclosures) {
  const shown = claims.record.notice.sha256;
  if (ANSWERS.includes(claims.record.event.state) && !claims._sd.includes(shown)) {
    throw new Failed("the notice's words are not among what was signed");
  }
  if (disclosures.some(({ name, digest }) => name === "notice_words" && digest !== shown)) {
    throw new Failed("the disclosed words are not the notice's");
  }
}

function checkStatement(claims) {
  const stated = table(claims, "statement");
  if (typeof claims.iat !== "number") throw new Failed("{member} is missing", { member: "iat" });
  checkTexts(stated, "statement", ["association_id", "platform"]);
  checkTexts(table(stated, "policy"), "statement.policy", POLICY);
  for (const party of ["stated_by", "accepted_by"]) {
    checkTexts(table(stated, party), `statement.${party}`, ["id", "name"]);
  }
  const { tag, data_source: source } = stated;
  if (typeof tag !== "string" || !Object.hasOwn(SOURCES, tag) || source !== SOURCES[tag]) {
    throw new Failed("statement.tag must be user_provided or public, and its data_source that tag's");
  }
  for (const member of ["expected_purposes", "clauses"]) {
    const words = stated[member];
    const sound = Array.isArray(words) && words.length && words.every((word) => typeof word === "string" && word);
    if (!sound) throw new Failed("statement.{member} must be a list of words", { member });
  }
  return told("{tag}, stated by {name}", { tag, name: stated.stated_by.name });
}

/** The evidence that is shown is of the tag that was signed. */
function checkEvidence(claims, disclosures) {
  const { tag } = claims.statement;
  if (disclosures.some(({ name, value }) => name === "evidence" && !(isObject(value) && value.tag === tag))) {
    throw new Failed("the disclosed evidence is of another tag");
  }
}

function checkErasure(claims) {
  const said = table(claims, "erasure");
  if (typeof claims.iat !== "number" || claims.iat !== seconds(said.time)) {
    throw new Failed("iat is not the time of the erasure");
  }
  checkTexts(said, "erasure", ["erasure_id"]);
  checkTexts(table(said, "erased_by"), "erasure.erased_by", ["id", "name"]);
  if (said.operation !== "dpv:Erase" || !["person", "operator"].includes(said.by)) {
    throw new Failed("erasure.operation must be dpv:Erase, and erasure.by person or operator");
  }
  const trail = table(said, "trail");
  const [destroyed, kept] = [table(said, "destroyed"), table(said, "kept")];
  const counts = [trail.entries, said.withdrawn, ...Object.values(destroyed), ...Object.values(kept)];
  if (!counts.every((count) => typeof count === "number" && count >= 0)) throw new Failed("a count is not a number");
  checkTexts(trail, "erasure.trail", ["sha256"]);
  return told("everything kept of one account was destroyed at {time}, by the {by}", { time: said.time, by: said.by });
}

/** What the receipt says was stated is what was stated, by the key that it names. */
async function checkAction(claims) {
  const said = table(claims, "action");
  checkTexts(said, "action", ["event", "event_type", "action", "statement"]);
  for (const name of ["event_time", "done_at", "received_at"]) {
    if (seconds(said[name]) === null) throw new Failed("action.{name} is not a time with its zone", { name });
  }
  if (typeof claims.iat !== "number" || claims.iat !== seconds(said.received_at)) {
    throw new Failed("iat is not the time at which the statement was received");
  }
  for (const party of ["stated_by", "received_by"]) {
    checkTexts(table(said, party), `action.${party}`, ["id", "name"]);
  }
  const stated = payloadOf(said.statement);
  if (stated.event !== said.event || stated.action !== said.action) {
    throw new Failed("action.statement states something else");
  }
  if (!(await isSignedBy(table(said, "key"), said.statement))) {
    throw new Failed("action.statement is not signed by action.key");
  }
  return told("{name} stated at {time}: {action}", {
    name: said.stated_by.name,
    time: said.received_at,
    action: said.action,
  });
}

function checkTexts(members, where, names) {
  const missing = names.find((name) => typeof members[name] !== "string");
  if (missing) throw new Failed("{member} is missing", { member: `${where}.${missing}` });
}

function table(claims, name) {
  if (!isObject(claims[name])) throw new Failed("{member} is missing", { member: name });
  return claims[name];
}
