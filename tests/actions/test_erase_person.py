"""Erasing a person: what goes, what stays, what it proves, and what somebody with every key learns afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from acts_of_platforms import seen
from acts_of_terms import offered
from builders import (
    a_pen,
    a_question,
    a_tag,
    all_at_once,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    registered,
)
from insider import salted, traces_in
from invariants import assert_sound
from lives import SAM, Home, Life, a_life, erased, in_dev, with_marks
from raw_rows import Rows, all_rows, in_clear, writings

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_for_client
from broker.actions.erase_person import Order, erase_person
from broker.actions.find_traces import traces_of_handle
from broker.actions.keep_log import keep_log
from broker.actions.read_certificate import read_certificate
from broker.actions.sign_in import signed_in
from broker.errors import NotFound, Unauthorized, Unavailable
from broker.proof.bundle import Bundle
from broker.proof.checkpoint import read_vkeys
from broker.proof.journal import NAME, read_journal
from broker.proof.merkle import check_consistency, prove_consistency
from broker.proof.tiles import reading_tiles
from broker.proof.verify import Verdict, verify_evidence
from broker.store.auditing import Finding
from broker.store.columns import metadata
from broker.store.erasing import KEPT, tables_of_people
from broker.store.log import Head, find_head, read_tile
from broker.store.objections import EVERYONE
from broker.store.receipts import INVALID
from broker.store.writing import table_of


@pytest.fixture
def broker(broker: Broker, tmp_path: Path) -> Broker:
    """Give a whole broker on each kind of database, with its folder of marks."""
    return with_marks(broker, tmp_path / "marks")


@pytest.fixture
def jane(home: Home) -> Broker:
    """Give the broker at which Jane has lived."""
    return home.broker()


def rows_of(broker: Broker) -> Rows:
    """Read every row."""
    with broker.database.transaction() as tx:
        return all_rows(tx)


def found(broker: Broker, rows: Rows, *lives: Life) -> list[str]:
    """Name what leads an insider with every key to one of these people; Sam is on the list as well."""
    people = [SAM, *(one for life in lives for one in (life.account, life.earlier))]
    identifiers = [an_identifier(email) for life in lives for email in life.emails]
    return [line for line in traces_in(rows, broker, a_pen().key, people, identifiers) if SAM.handle not in line]


def test_of_a_whole_life_nothing_leads_to_the_person_for_whoever_has_every_key(broker: Broker) -> None:
    life = a_life(broker)
    in_dev(broker, life)
    before = rows_of(broker)
    tables = {line.partition(".")[0] for line in found(broker, before, life)}
    kept = {"receipts", "statements", "trail", "sheet_entries"}
    assert tables >= {table.name for table in tables_of_people()} - {"people"} | kept
    assert {"people"} <= tables
    erased(broker, life.account)
    after = rows_of(broker)
    assert [] == found(broker, after, life)
    assert [] == list(in_clear(after, life.canaries))
    left = {name: content for name, content in before.items() if name in {table.name for table in tables_of_people()}}
    assert [] == salted(after, left)
    assert "people as it was" in salted(before, left)


def test_every_table_with_an_account_is_erased_or_kept_on_purpose() -> None:
    named = {table.name for table in metadata.sorted_tables if "account" in table.columns}
    kept = {table_of(model).name for model in KEPT}
    assert named == {table.name for table in tables_of_people()} | kept
    assert {"receipts", "statements", "events"} == kept


def test_nobody_else_is_touched(home: Home, jane: Broker) -> None:
    sam = jane.blinder.account(SAM.account)
    before = [(name, row) for name, content in rows_of(jane).items() for row in content if row.get("account") == sam]
    erased(jane)
    after = [(name, row) for name, content in rows_of(jane).items() for row in content if row.get("account") == sam]
    assert {"people", "consents", "associations", "receipts", "events", "routes"} <= {name for name, _ in before}
    assert before == after
    assert asked(
        jane, home.life.clients[0], a_question(SAM, identifier=an_identifier("sam@mailbox.example"))
    ).decision.permitted
    assert_sound(jane.database, jane)


def test_every_business_is_told_of_every_consent_it_held(home: Home, jane: Broker) -> None:
    before = [row for row in rows_of(jane)["consents"] if row["grant_id"] in home.life.grants]
    erased(jane)
    told = [row for row in rows_of(jane)["events"] if row["type"] == "account-erased"]
    assert sorted((row["client_id"], row["grant_id"], row["receipt_id"]) for row in before) == sorted(
        (row["client_id"], row["grant_id"], row["receipt_id"]) for row in told
    )
    assert 4 == len(told)
    ended = [row for row in rows_of(jane)["events"] if row["type"] == "consent-withdrawn"]
    assert {row["grant_id"] for row in ended} == set(home.life.grants) - {home.life.grants[0]}


def test_what_one_business_was_told_is_not_tied_to_what_another_was(jane: Broker) -> None:
    erased(jane)
    sam = jane.blinder.account(SAM.account)
    nobody = {(row["account"], row["client_id"]) for row in rows_of(jane)["receipts"] if row["account"] != sam}
    assert 3 == len(nobody) == len({account for account, _ in nobody})


def test_every_receipt_of_theirs_is_invalid_in_its_list(jane: Broker) -> None:
    erased(jane)
    rows, sam = rows_of(jane), jane.blinder.account(SAM.account)
    value = {(row["list_id"], row["position"]): row["value"] for row in rows["status_entries"]}
    theirs = [value[row["status_list"], row["status_index"]] for row in rows["receipts"] if row["account"] != sam]
    assert {INVALID} == set(theirs)
    assert 1 == sum(one != INVALID for one in value.values())


def test_every_cookie_opens_nothing(home: Home, jane: Broker) -> None:
    with jane.database.transaction() as tx:
        assert [home.life.account] * 2 == [signed_in(tx, jane, session).proven for session in home.life.sessions]
    erased(jane)
    with jane.database.transaction() as tx:
        for session in home.life.sessions:
            with pytest.raises(Unauthorized):
                signed_in(tx, jane, session)


def bundles(broker: Broker, life: Life) -> list[Bundle]:
    """Let each business fetch the bundle of every receipt of theirs that it may have."""
    owner = {row["receipt_id"]: row["client_id"] for row in rows_of(broker)["receipts"]
             if row["status"] != "refused" and row["account"] != broker.blinder.account(SAM.account)}  # fmt: skip
    mine = {client.client_id for client in life.clients}
    with broker.database.transaction() as tx:
        return [bundle_for_client(tx, broker, client_id=client_id, receipt_id=receipt_id)
                for receipt_id, client_id in sorted(owner.items()) if client_id in mine]  # fmt: skip


def verdict(broker: Broker, bundle: Bundle | str) -> Verdict:
    """Verify as an auditor does."""
    vkeys = read_vkeys("\n".join(signer.vkey for signer in broker.log.signers))
    return verify_evidence(str(bundle), jwks=broker.keys.jwks(), vkeys=vkeys)


def test_the_audit_finds_nothing_wrong_afterwards(jane: Broker) -> None:
    found: list[Finding] = []
    erased(jane, objects=True)
    for _ in range(2):
        walked = audit(jane, found.append)
        assert [] == found
        assert 1 == walked["erasures"]
        keep_log(jane)  # what was emptied before it was chained is chained, empty


def signed(bundle: Bundle) -> str:
    """The JWT of a bundle."""
    return bundle.evidence.partition("~")[0]


def head_of(broker: Broker) -> Head:
    """The tree as it is stored."""
    with broker.database.reading() as tx:
        head = find_head(tx)
    assert head is not None
    return head


def test_what_was_proved_before_is_proved_still(home: Home, jane: Broker) -> None:
    before, head = bundles(jane, home.life), head_of(jane)
    erased(jane)
    keep_log(jane)
    after = bundles(jane, home.life)
    assert {signed(bundle) for bundle in before} < {signed(bundle) for bundle in after}
    assert all(verdict(jane, bundle).logged for bundle in (*before, *after))
    assert not any(verdict(jane, bundle).disclosed for bundle in after)
    with jane.database.reading() as tx:
        hashes = prove_consistency(
            head.size, head_of(jane).size, reading_tiles(lambda it: read_tile(tx, it.level, it.number))
        )
    check_consistency(head.size, head.root, head_of(jane).size, head_of(jane).root, hashes)


def test_the_certificate_is_signed_logged_and_names_the_account_in_the_persons_copy_alone(jane: Broker) -> None:
    copy = str(erased(jane, erasure_id="e" * 26))
    keep_log(jane)
    with jane.database.reading() as tx:
        public = read_certificate(tx, jane, "e" * 26)
    assert verdict(jane, public).logged
    assert {} == verdict(jane, public).disclosed
    said = verdict(jane, copy)
    assert said.anchored
    assert said.payload == verdict(jane, public).payload
    assert {
        "account": {"platform": "x", "id": "2244994945", "handles": ["JaneCanary", "JaneCanary_old"]}
    } == said.disclosed
    assert "JaneCanary" not in str(said.payload)
    told: Any = said.payload["erasure"]
    assert ("person", False, 2) == (told["by"], told["objection_kept"], told["withdrawn"])
    assert {"people": 2, "consents": 4, "person_sessions": 2, "sheet_entries": 3} == {
        name: told["destroyed"][name] for name in ("people", "consents", "person_sessions", "sheet_entries")
    }
    with jane.database.reading() as tx, pytest.raises(NotFound):
        read_certificate(tx, jane, "f" * 26)


def test_without_the_box_nothing_of_a_no_is_left(home: Home, jane: Broker) -> None:
    shop = home.life.clients[0]
    erased(jane)
    question = a_question(identifier=an_identifier(home.life.emails[3]))
    assert "no_basis" == asked(jane, shop, question).decision.reason
    assert offered(jane, shop, a_tag(), identifier=question.identifier).ground is not None
    assert asked(jane, shop, question).decision.permitted


@pytest.mark.parametrize("by", [{}, {"account_id": None, "handle": "JaneCanary"}], ids=["by id", "by handle"])
def test_with_the_box_ticked_all_matching_is_refused_still_and_nothing_else_is_kept(
    home: Home, jane: Broker, by: dict[str, Any]
) -> None:
    shop = home.life.clients[0]
    erased(jane, objects=True)
    left = found(jane, rows_of(jane), home.life)
    assert {"objections.account", "cautions.caution", "trail.row_key"} == {line.partition(" ")[0] for line in left}
    question = a_question(identifier=an_identifier(home.life.emails[3]), **by)
    assert offered(jane, shop, a_tag(), **{**by, "identifier": question.identifier}).ground is not None
    assert not asked(jane, shop, question).decision.permitted
    assert [EVERYONE] * 4 == [row["client_id"] for row in rows_of(jane)["objections"]]
    assert_sound(jane.database, jane)


def test_who_objects_for_good_does_so_under_the_handle_they_bear_not_under_the_one_that_they_left(jane: Broker) -> None:
    for environment in ("prod", "dev"):
        seen(jane, handle="JaneMoved", environment=environment)
    erased(jane, objects=True)
    shop = registered(jane, client_name="Fabrikam Bikes")
    answers = []
    for handle in ("JaneMoved", "JaneCanary"):
        named = {"account_id": None, "handle": handle}
        offered(jane, shop, a_tag(), **named)
        answers.append(asked(jane, shop, a_question(**named)).decision.permitted)
    assert [False, True] == answers


def test_who_comes_back_is_somebody_new(home: Home, jane: Broker) -> None:
    shop = home.life.clients[0]
    names = {row["account"]: row["generation"] for row in rows_of(jane)["people"]}
    sub = {verdict(jane, bundle).payload["sub"] for bundle in bundles(jane, home.life)}
    erased(jane)
    record = consented(jane, shop)
    rows = rows_of(jane)
    assert names[record.account] not in {row["generation"] for row in rows["people"]}
    with jane.database.transaction() as tx:
        fresh = bundle_for_client(tx, jane, client_id=shop.client_id, receipt_id=record.receipt_id)
    assert verdict(jane, fresh).payload["sub"] not in sub
    assert 1 == len([row for row in rows["consents"] if row["account"] == record.account])


def test_a_handle_that_two_accounts_proved_leads_to_nobody_still_and_names_neither(home: Home, jane: Broker) -> None:
    other = an_account("31337", "JaneCanary_old")
    proved(jane, other, None)
    erased(jane)
    (kept,) = (row for row in rows_of(jane)["handles"] if row["standing"] == "recycled")
    assert jane.blinder.handle("x", "janecanary_old") == kept["handle"]
    accounts = {jane.blinder.account(one.account) for one in (other, home.life.account)}
    assert kept["account"] not in accounts
    proved(jane, other, None)
    assert "recycled" in {row["standing"] for row in rows_of(jane)["handles"]}


def test_an_account_that_was_only_spoken_of_is_erased_too(home: Home, jane: Broker) -> None:
    stranger = an_account("424242", "NeverHere")
    shop, email = home.life.clients[0], an_identifier("never@mailbox.example")
    offered(jane, shop, a_tag(), account_id=stranger.account.id, identifier=email)
    offered(jane, shop, a_tag(), account_id=None, handle="NeverHere", identifier=email)
    assert traces_in(rows_of(jane), jane, a_pen().key, [stranger], [email])
    with jane.database.transaction() as tx:
        assert traces_of_handle(tx, jane, "x", "janecanary").account_id == "2244994945"
    erased(jane, stranger)
    with jane.database.transaction() as tx:
        erase_person(tx, jane, traces_of_handle(tx, jane, "x", "NeverHere"), Order(erasure_id="e" * 26))
    assert [] == traces_in(rows_of(jane), jane, a_pen().key, [stranger], [email])
    assert_sound(jane.database, jane)


def test_nothing_is_written_down_about_somebody_who_is_not_known(home: Home, jane: Broker) -> None:
    with pytest.raises(NotFound):
        erased(jane, an_account("99999", "Nobody"))
    assert () == read_journal(home.marks)


def test_the_file_of_sqlite_and_its_journal_hold_nothing_of_the_key(home: Home, jane: Broker) -> None:
    wrapped = {
        row["wrapped_key"] for row in rows_of(jane)["people"] if row["account"] != jane.blinder.account(SAM.account)
    }
    salts = {row["salt"] for row in rows_of(jane)["trail"]}
    erased(jane)
    assert jane.database.scrub()
    lying = b"".join(path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    assert 2 == len(wrapped)
    assert [] == [key for key in wrapped if key in lying]
    kept = {row["salt"] for row in rows_of(jane)["trail"]}
    assert [] == [salt for salt in salts - kept if salt in lying]
    assert [] == [value for value in home.life.canaries for needle in writings(value) if needle in lying]
    assert 0 == (home.folder / "broker.db-wal").stat().st_size


def test_of_two_erasures_at_once_one_is_done(broker: Broker) -> None:
    life = a_life(broker)
    outcomes = all_at_once(2, lambda number: erased(broker, life.account, erasure_id=f"{number}" * 26))
    assert 1 == sum(isinstance(outcome, NotFound) for outcome in outcomes)
    assert 1 == len(read_journal(broker.log.marks)) == len(rows_of(broker)["erasures"])


def test_a_consent_and_an_erasure_at_once_leave_nothing_half_done(broker: Broker) -> None:
    client = registered(broker)
    consented(broker, client)
    acts = [
        lambda: erased(broker),
        lambda: consented(broker, client, identifier=an_identifier("at.once@mailbox.example")),
    ]
    all_at_once(2, lambda number: acts[number]())
    assert_sound(broker.database, broker)


def test_a_journal_that_cannot_be_written_to_erases_nobody(home: Home, jane: Broker) -> None:
    before = rows_of(jane)
    (home.marks / NAME).unlink()
    with pytest.raises(Unavailable):
        erased(jane)
    assert before == rows_of(jane)
    assert not (home.marks / NAME).exists()
