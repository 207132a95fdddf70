"""A dossier tells the truth or fails at the step that finds it out; each lie bears its name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from audit.spoilt import History, Spoilt
from builders import an_identifier
from machines.scene import ACCOUNTS, HANDLES

from broker.actions.broker import Broker
from broker.actions.dossier_grounds import Inquiry
from broker.actions.gather_dossier import gather_dossier
from broker.core.client import Client
from broker.core.identifiers import PlatformAccount
from broker.core.sheet import digest_of
from broker.errors import CommandRefused, NotFound
from broker.proof.checkpoint import read_vkey
from broker.proof.dossier import TYP, Dossier, parse_dossier, text_digest
from broker.proof.dossier_parts import answers_of
from broker.proof.keys import generate_signing_key
from broker.proof.note import Verifier
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import decode, encode, payload_of
from broker.proof.verify import Verdict
from broker.proof.verify_dossier import verify_file
from broker.store.clients import list_clients

FIRST_DAY = datetime(2026, 11, 23, tzinfo=UTC)
EMAIL = an_identifier("jane.canary@mailbox.example")
NAMES = ("Northwind", "Contoso")
File = dict[str, Any]


def is_named(client: Client, name: str) -> bool:
    """Whether a client bears that name."""
    return client.registration.client_name == name


@dataclass(frozen=True)
class Desk:
    """Who asks the broker for dossiers, and who checks them."""

    broker: Broker
    clients: list[Client]

    def asks(self, number: int = 0, account: str | None = ACCOUNTS[0], days: int = 0, **more: Any) -> Dossier:  # noqa: ANN401
        """Ask about a client, an account and a day after the first."""
        inquiry = Inquiry(
            client=self.clients[number], platform="x", account_id=account, begins=FIRST_DAY + timedelta(days=days),
            **{"handle": None, "identifier": None, "redacted": False, **more},
        )  # fmt: skip
        with self.broker.database.reading() as tx:
            return gather_dossier(tx, self.broker, inquiry)

    @property
    def vkeys(self) -> list[Verifier]:
        """The log's verifier keys."""
        return [read_vkey(signer.vkey) for signer in self.broker.log.signers]

    def checks(self, dossier: object) -> Verdict:
        """Check a file with the broker's keys."""
        return verify_file(str(dossier), jwks=self.broker.keys.jwks(), vkeys=self.vkeys)

    def signed(self, file: File) -> File:
        """What a broker that lies would sign: the statement anew, over whatever it says now."""
        raw = json.dumps(file["statement"]).encode()
        return {**file, "statement": f"{self.broker.keys.receipts.sign(raw, typ=TYP)}~"}


@pytest.fixture(scope="module")
def desk(history: History) -> Desk:
    """Give the desk of the history's broker."""
    with history.broker.database.reading() as tx:
        return Desk(history.broker, [client for name in NAMES for client in list_clients(tx) if is_named(client, name)])


@pytest.fixture(scope="module")
def whole(desk: Desk) -> File:
    """Give a dossier that holds decisions, a withdrawn consent and provenance statements, as JSON."""
    found: File = json.loads(str(desk.asks(0, ACCOUNTS[0])))
    return found


@pytest.fixture(scope="module")
def other(desk: Desk) -> File:
    """Give a dossier about somebody else."""
    found: File = json.loads(str(desk.asks(0, ACCOUNTS[1])))
    return found


@pytest.mark.parametrize("redacted", [False, True])
def test_every_dossier_holds_against_the_brokers_keys(desk: Desk, redacted: bool) -> None:  # noqa: FBT001 - a parameter
    made = 0
    for number, account, days in product((0, 1), ACCOUNTS[:3], (0, 1, 2)):
        with suppress(NotFound):
            verdict = desk.checks(desk.asks(number, account, days, redacted=redacted))
            assert (True, True) == (verdict.anchored, verdict.logged), verdict.steps[-1]
            assert ({} if redacted else {"account": {"platform": "x", "id": account}}) == verdict.disclosed
            made += 1
    assert made >= 12


def test_one_record_alone_can_be_asked_about(desk: Desk) -> None:
    dossier = desk.asks(0, ACCOUNTS[0], days=1, identifier=EMAIL)
    said: Any = desk.checks(dossier).payload["dossier"]
    assert 1 == len({entry["identifier"] for entry in said["standing"]})
    assert said["asked"]["identifier"] == said["standing"][0]["identifier"]


def test_an_account_can_be_asked_about_by_the_handle_that_it_bears(desk: Desk) -> None:
    by_handle = desk.asks(0, None, days=1, handle=HANDLES[0])
    verdict = desk.checks(by_handle)
    assert {"account": {"platform": "x", "handle": HANDLES[0]}} == verdict.disclosed
    assert desk.asks(0, ACCOUNTS[0], days=1).decisions == by_handle.decisions


def test_a_redacted_dossier_names_nobody(desk: Desk) -> None:
    text = str(desk.asks(0, ACCOUNTS[0], days=1, identifier=EMAIL, redacted=True))
    assert not [value for value in (ACCOUNTS[0], HANDLES[0], EMAIL.value) if value in text]


def test_without_keys_it_is_consistent_and_no_more(whole: File) -> None:
    verdict = verify_file(json.dumps(whole), jwks=None)
    assert (True, False, False) == (verdict.holds, verdict.anchored, verdict.logged)


def test_it_says_which_consent_stood_under_which_words_and_policy(desk: Desk) -> None:
    dossier = desk.asks(0, ACCOUNTS[2])
    said: Any = desk.checks(dossier).payload["dossier"]
    assert (True, "MATCH-2") in {(entry["permitted"], *entry["clauses"]) for entry in said["answers"]}
    assert said["asked"]["policy"] in {text_digest(text) for text in dossier.policies}
    words = [verify_file(part.text, jwks=None).disclosed.get("notice_words") for part in dossier.evidence]
    assert any(isinstance(word, str) and HANDLES[2] in word for word in words)


def test_of_somebody_who_was_erased_nothing_can_be_told(desk: Desk) -> None:
    with pytest.raises(NotFound, match="nothing can be told"):
        desk.asks(0, ACCOUNTS[3], days=1)


def test_a_policy_that_is_not_kept_is_named(desk: Desk, sqlite_spoilt: Spoilt) -> None:
    sqlite_spoilt.user.run("DELETE FROM policy_texts")
    with pytest.raises(CommandRefused, match="is not kept"):
        replace(desk, broker=sqlite_spoilt.broker).asks()
    sqlite_spoilt.put_back()


def test_a_decision_that_is_not_chained_yet_is_asked_for_again(desk: Desk, sqlite_spoilt: Spoilt) -> None:
    sqlite_spoilt.user.run("UPDATE trail SET batch = NULL, position = NULL WHERE row_table = 'decisions'")
    with pytest.raises(CommandRefused, match="not chained into the log yet"):
        replace(desk, broker=sqlite_spoilt.broker).asks()
    sqlite_spoilt.put_back()


def test_what_no_checkpoint_holds_yet_is_asked_for_again(desk: Desk, sqlite_spoilt: Spoilt) -> None:
    sqlite_spoilt.user.run("DELETE FROM checkpoints")
    with pytest.raises(CommandRefused, match="not all of it is in a published checkpoint"):
        replace(desk, broker=sqlite_spoilt.broker).asks()
    sqlite_spoilt.put_back()


# --- lies ---------------------------------------------------------------------------------------------------------

Lie = Callable[[File, File], File]


def without(file: File, part: str, index: int) -> File:
    """Leave a part out."""
    return {**file, part: [entry for place, entry in enumerate(file[part]) if place != index]}


def edited(file: File, part: str, place: int, /, **changes: object) -> File:
    """Change a part."""
    return {
        **file,
        part: [{**entry, **changes} if number == place else entry for number, entry in enumerate(file[part])],
    }


def with_row(file: File, **changes: object) -> File:
    """Change the first decision's row."""
    row = file["decisions"][0]["row"]
    return edited(file, "decisions", 0, row={**row, "row": {**row["row"], **changes}})


def withdrawal(file: File) -> int:
    """Where the receipt of a withdrawal lies."""
    states = [payload_of(entry["evidence"].partition("~")[0]).get("record") for entry in file["evidence"]]
    return next(n for n, record in enumerate(states) if record and record["event"]["state"] != "dpv:ConsentGiven")  # type: ignore[index,call-overload]


def _says_no(file: File, _other: File) -> File:
    return with_row(file, permitted=not file["decisions"][0]["row"]["row"]["permitted"])


def _other_decisions(file: File, other: File) -> File:
    return {**file, "decisions": [*file["decisions"], *other["decisions"]]}


def _other_terms(file: File, _other: File) -> File:
    return {**file, "policies": [text.replace("MATCH-2", "MATCH-9") for text in file["policies"]]}


def _disclosing(file: File, other: File) -> File:
    """The other's account under one's own statement."""
    jwt, disclosed = file["statement"].partition("~")[0], other["statement"].split("~", 1)[1]
    return {**file, "statement": f"{jwt}~{disclosed}"}


def _other_words(file: File, other: File) -> File:
    jwt, disclosed = (
        file["evidence"][0]["evidence"].partition("~")[0],
        other["evidence"][0]["evidence"].split("~", 1)[1],
    )
    return edited(file, "evidence", 0, evidence=f"{jwt}~{disclosed}")


def of_the_second(part: str, name: str) -> Lie:
    """Give the first of some parts what the second has."""
    return lambda file, _other: edited(file, part, 0, **{name: file[part][1][name]})


FORGED: dict[str, tuple[Lie, str]] = {
    "a decision that says yes for no": (_says_no, "parts"),
    "two decisions swapped": (lambda file, _: {**file, "decisions": file["decisions"][::-1]}, "parts"),
    "a decision left out": (lambda file, _: without(file, "decisions", 0), "parts"),
    "a decision of somebody else": (_other_decisions, "parts"),
    "a hidden withdrawal": (lambda file, _: without(file, "evidence", withdrawal(file)), "parts"),
    "a receipt more": (lambda file, other: {**file, "evidence": [*file["evidence"], other["evidence"][0]]}, "parts"),
    "another day's policy": (_other_terms, "parts"),
    "a statement of another dossier": (lambda file, other: {**file, "statement": other["statement"]}, "parts"),
    "an account of somebody else": (_disclosing, "disclosures"),
    "words of somebody else": (_other_words, "evidence"),
    "a salt of another entry": (of_the_second("decisions", "salt"), "parts"),
    "an entry in another place": (lambda file, _: edited(file, "decisions", 0, index=999), "decisions"),
    "an entry of another batch": (of_the_second("decisions", "batch"), "decisions"),
    "a batch left out": (lambda file, _: without(file, "batches", 0), "decisions"),
    "a batch of nothing": (lambda file, other: {**file, "batches": [*file["batches"], *other["batches"]]}, "decisions"),
    "a proof of another receipt": (of_the_second("evidence", "proof"), "evidence"),
    "a proof of another batch": (of_the_second("batches", "proof"), "inclusion"),
    "a member more": (lambda file, _: {**file, "verdict": "valid"}, "form"),
    "a decision without its salt": (lambda file, _: {**file, "decisions": [{}]}, "form"),
}  # fmt: skip


@pytest.mark.parametrize(("lie", "step"), FORGED.values(), ids=FORGED.keys())
def test_a_forged_dossier_fails_at_the_step_that_finds_it_out(
    desk: Desk, whole: File, other: File, lie: Lie, step: str
) -> None:
    assert len(whole["batches"]) > 1
    verdict = desk.checks(json.dumps(lie(whole, other)))
    assert (False, step) == (verdict.holds, verdict.steps[-1].name), verdict.steps[-1]
    assert not verdict.payload


def restated(change: Callable[[File, File], None]) -> Lie:
    """A lie that the broker itself tells: the file and its statement are changed alike."""

    def lie(file: File, other: File) -> File:
        spoilt = json.loads(json.dumps({**file, "statement": payload_of(file["statement"].partition("~")[0])}))
        change(spoilt, other)
        parts = spoilt["statement"]["dossier"]["parts"]
        read = parse_dossier(json.dumps({**spoilt, "statement": file["statement"]}))
        parts["decisions"] = [encode(part.digest) for part in read.decisions]
        if "sheets" in parts:
            parts["sheets"] = [encode(part.chained.digest) for part in read.sheets]
        parts["policies"] = [text_digest(text) for text in read.policies]
        return spoilt

    return lie


def _flip(file: File, _other: File) -> None:
    row = file["decisions"][0]["row"]["row"]
    row["permitted"] = not row["permitted"]


def _hide_the_end(file: File, _other: File) -> None:
    place = withdrawal(file)
    del file["evidence"][place], file["statement"]["dossier"]["parts"]["evidence"][place]


def _deny_the_end(file: File, _other: File) -> None:
    for entry in file["statement"]["dossier"]["standing"]:
        entry.update(status="dpv:ConsentGiven", ended_at=None) if entry["basis"] == "consent" else None


def _say_nothing(file: File, _other: File) -> None:
    file["statement"]["dossier"]["standing"] = []


def _other_person(file: File, other: File) -> None:
    file["evidence"].append(other["evidence"][0])
    file["statement"]["dossier"]["parts"]["evidence"].append(json.loads(json.dumps(_parts(other)["evidence"][0])))


def _parts(file: File) -> File:
    said: Any = payload_of(file["statement"].partition("~")[0])["dossier"]
    found: File = said["parts"]
    return found


def _all_gone(file: File, _other: File) -> None:
    file["evidence"], file["statement"]["dossier"]["parts"]["evidence"] = [], []
    file["statement"]["dossier"]["standing"] = []


def _another_day(file: File, _other: File) -> None:
    file["statement"]["dossier"]["asked"]["day"] = "2026-11-22"


def _another_account(file: File, _other: File) -> None:
    file["statement"]["dossier"]["asked"]["accounts"] = ["AAAA"]


def _another_policy(file: File, _other: File) -> None:
    file["policies"] = ["title = 'Everything is allowed'"]


def _no_day(file: File, _other: File) -> None:
    file["statement"]["dossier"]["asked"]["day"] = "yesterday"


LIED: dict[str, tuple[Lie, str]] = {
    "a decision that was never chained": (restated(_flip), "decisions"),
    "a decision of another day": (restated(_another_day), "decisions"),
    "a decision about another account": (restated(_another_account), "decisions"),
    "a policy that was never in force": (restated(_another_policy), "policies"),
    "a withdrawal whose receipt is kept back": (restated(_hide_the_end), "grounds"),
    "a withdrawal that is denied": (restated(_deny_the_end), "grounds"),
    "a consent that is not spoken of": (restated(_say_nothing), "grounds"),
    "a permit without a ground": (restated(_all_gone), "grounds"),
    "a receipt of another person": (restated(_other_person), "evidence"),
    "a day that is none": (restated(_no_day), "payload"),
}


@pytest.mark.parametrize(("lie", "step"), LIED.values(), ids=LIED.keys())
def test_a_dossier_that_the_broker_signed_falsely_fails_at_the_step_that_finds_it_out(
    desk: Desk, whole: File, other: File, lie: Lie, step: str
) -> None:
    verdict = desk.checks(json.dumps(desk.signed(lie(whole, other))))
    assert (False, step) == (verdict.holds, verdict.steps[-1].name), verdict.steps[-1]


def test_a_truth_that_is_signed_again_holds(desk: Desk, whole: File, other: File) -> None:
    again = desk.signed(restated(lambda _file, _other: None)(whole, other))
    assert desk.checks(json.dumps(again)).logged


# --- sheets -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bulk(desk: Desk) -> File:
    """Give a dossier of a day on which many were answered at once, this one with a permit."""
    for days, account in product(range(9), ACCOUNTS[:3]):
        with suppress(NotFound):
            dossier = desk.asks(0, account, days)
            if any(one["permitted"] for one in in_sheets(desk, dossier)):
                found: File = json.loads(str(dossier))
                return found
    raise LookupError("a permit in a sheet")


def in_sheets(desk: Desk, dossier: Dossier) -> list[Any]:
    """Return the answers for which a dossier shows its sheets."""
    accounts = asked_in(desk, dossier)["accounts"]
    return [one for sheet in dossier.sheets for one in answers_of(sheet, accounts, None)]


def asked_in(desk: Desk, dossier: object) -> File:
    """Return what a dossier says that it was asked."""
    said: Any = desk.checks(dossier).payload["dossier"]
    found: File = said["asked"]
    return found


def test_answers_in_sheets_are_shown_with_the_group_they_lie_in(desk: Desk, bulk: File) -> None:
    verdict = desk.checks(json.dumps(bulk))
    assert (True, True) == (verdict.anchored, verdict.logged), verdict.steps[-1]
    told = in_sheets(desk, parse_dossier(json.dumps(bulk)))
    assert {0, 1} == {min(1, sheet["row"]["row"]["blanked"]) for sheet in bulk["sheets"]}, "one was erased from"
    assert all(re.fullmatch(r"[a-z2-7]{22}222[23]", one["decision_id"]) for one in told)
    assert verdict.steps[8].detail.startswith(f"{len(bulk['decisions']) + len(told)} decisions in")


def test_of_another_record_no_sheet_is_shown(desk: Desk, bulk: File) -> None:
    asked = asked_in(desk, json.dumps(bulk))
    keys = {encode(desk.broker.blinder.account(PlatformAccount(platform="x", id=one))): one for one in ACCOUNTS}
    (account,) = [keys[name] for name in asked["accounts"] if name in keys]
    days = (datetime.fromisoformat(f"{asked['day']}T00:00:00+00:00") - FIRST_DAY).days
    assert desk.asks(0, account, days).sheets
    with pytest.raises(NotFound):
        desk.asks(0, account, days, identifier=an_identifier("another@mailbox.example"))


def in_group(file: File, **changes: Any) -> File:  # noqa: ANN401 - what makes a member another one
    """Change the first group of the first sheet."""
    first, *rest = file["sheets"][0]["groups"]
    made = {name: change(first[name]) for name, change in changes.items()}
    return edited(file, "sheets", 0, groups=[{**first, **made}, *rest])


def half(text: str) -> str:
    """The second half of some entries."""
    raw = decode(text)
    return encode(raw[len(raw) // 2 :])


def flipped(text: str) -> str:
    """Bytes of which one is another."""
    raw = decode(text)
    return encode(bytes([raw[0] ^ 1]) + raw[1:])


FORGED_SHEETS: dict[str, tuple[Lie, str]] = {
    "a sheet left out": (lambda file, _: {**file, "sheets": file["sheets"][1:]}, "parts"),
    "a sheet that nobody listed": (lambda file, other: {**other, "sheets": file["sheets"]}, "parts"),
    "a sheet's row edited": (
        lambda file, _: edited(file, "sheets", 0, row={**file["sheets"][0]["row"], "table": "decisions"}),
        "parts",
    ),
    "no group of a sheet": (lambda file, _: edited(file, "sheets", 0, groups=[]), "decisions"),
    "a group twice": (lambda file, _: edited(file, "sheets", 0, groups=file["sheets"][0]["groups"] * 2), "decisions"),
    "a group under another number": (lambda file, _: in_group(file, number=lambda it: it + 1), "decisions"),
    "an entry edited": (lambda file, _: in_group(file, entries=flipped), "decisions"),
    "entries kept back": (lambda file, _: in_group(file, entries=half), "decisions"),
    "another salt": (lambda file, _: in_group(file, salt=flipped), "decisions"),
    "a group whose number is none": (lambda file, _: in_group(file, number=str), "form"),
    "a group that is no bytes": (lambda file, _: in_group(file, entries=lambda _it: 5), "form"),
    "a sheet that is no sheet": (lambda file, _: {**file, "sheets": [5]}, "form"),
}


@pytest.mark.parametrize(("lie", "step"), FORGED_SHEETS.values(), ids=FORGED_SHEETS.keys())
def test_a_forged_sheet_fails_at_the_step_that_finds_it_out(
    desk: Desk, bulk: File, other: File, lie: Lie, step: str
) -> None:
    assert not other.get("sheets")
    verdict = desk.checks(json.dumps(lie(bulk, other)))
    assert (False, step) == (verdict.holds, verdict.steps[-1].name), verdict.steps[-1]


def _own_group(file: File, _other: File) -> None:
    """A group that the broker makes up, and a row that has its digest: but the log has another row."""
    sheet = file["sheets"][0]
    group, row = sheet["groups"][0], sheet["row"]["row"]
    group["entries"] = half(group["entries"])
    digests, at = decode(row["digests"]), 32 * group["number"]
    own = digest_of(decode(group["salt"]), decode(group["entries"]))
    row["digests"] = encode(digests[:at] + own + digests[at + 32 :])


def _of_nobody(file: File, _other: File) -> None:
    """Accounts that lead to the same groups, and of which the sheet says nothing."""
    asked = file["statement"]["dossier"]["asked"]
    asked["accounts"] = [encode(decode(name)[:4] + bytes(12)) for name in asked["accounts"]]
    chained = {sheet["batch"] for sheet in file["sheets"]}
    file["decisions"] = []
    file["batches"] = [part for part in file["batches"] if encode(leaf_data(part["jwt"])) in chained]


LIED_SHEETS: dict[str, tuple[Lie, str]] = {
    "a sheet that was never chained": (restated(_own_group), "decisions"),
    "a sheet of another day": (restated(_another_day), "decisions"),
    "a sheet about another account": (restated(_another_account), "decisions"),
    "a sheet that says nothing of the account": (restated(_of_nobody), "decisions"),
    "a permit in a sheet without a ground": (restated(_all_gone), "grounds"),
    "a document of a sheet's that was never in force": (restated(_another_policy), "policies"),
}


@pytest.mark.parametrize(("lie", "step"), LIED_SHEETS.values(), ids=LIED_SHEETS.keys())
def test_a_sheet_that_the_broker_shows_falsely_fails_at_the_step_that_finds_it_out(
    desk: Desk, bulk: File, other: File, lie: Lie, step: str
) -> None:
    verdict = desk.checks(json.dumps(desk.signed(lie(bulk, other))))
    assert (False, step) == (verdict.holds, verdict.steps[-1].name), verdict.steps[-1]


def test_a_key_of_a_stranger_signs_for_nobody(desk: Desk, whole: File) -> None:
    stranger = {"keys": [generate_signing_key().public()]}
    verdict = verify_file(json.dumps(whole), jwks=stranger, vkeys=desk.vkeys)
    assert "key" == verdict.steps[-1].name
    foreign = [replace(verifier, name="elsewhere.example/log") for verifier in desk.vkeys]  # type: ignore[type-var]
    verdict = verify_file(json.dumps(whole), jwks=desk.broker.keys.jwks(), vkeys=foreign)
    assert "checkpoint" == verdict.steps[-1].name
