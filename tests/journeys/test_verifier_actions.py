"""Somebody brings the page what a business signed that it did: in three languages, forged, and letter by letter."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from builders import a_broker, a_log, a_pen, consented
from events import withdrawn
from harness.verifier import VerifierPage, edited, outcome, outcome_of_page, verifier_page
from journeys.verifying import opened_anew, verdict
from playwright.sync_api import Browser, Page, expect
from statements import a_key, a_statement, keyed, owed, stated

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.record_action import bundle_action
from broker.proof.action import TYP
from broker.proof.checkpoint import read_vkeys, vkeys_text
from broker.proof.highwater import first_high_water
from broker.proof.sdjwt import assemble, payload_of
from broker.proof.verify import verify_evidence
from broker.store.database import Database
from broker.store.migrating import migrate

SAID = {
    "unlinked": "Northwind Bikes stated that it had taken the link away.",
    "deleted": "Northwind Bikes stated that it had deleted what it held.",
    "restricted": "Northwind Bikes stated that it keeps what it held, and does not use it any more.",
}
#: What a page in another language says that it proves, and that it does not.
TOLD = {
    "de": ("Northwind Bikes, gelöscht zu haben, was es gespeichert hatte.", "Ob das Unternehmen es getan hat"),
    "ar": ("صرّحت \u2068Northwind Bikes\u2069 بأنها حذفت ما كانت تحتفظ به.", "هل فعلت الشركة ذلك"),
}
LIES: dict[str, dict[str, object]] = {
    "that somebody else's key signed": {"key": a_key("a stranger's").as_dict(private=False)},
    "that it did more than it stated": {"action": "deleted"},
    "that it answered another event": {"event": "a" * 26},
    "that it stated so earlier": {"received_at": "2026-11-23T12:00:01Z"},
    "that it was done at no time": {"done_at": "noon"},
    "and no statement": {"statement": None},
    "and no name": {"stated_by": {}},
}
MUTANTS = 60


@dataclass(frozen=True)
class Desk:
    """A broker that took what a business stated, and the keys that it hands to everybody."""

    broker: Broker

    @property
    def jwks(self) -> str:
        """The keys of its receipts."""
        return json.dumps(self.broker.keys.jwks())

    @property
    def vkeys(self) -> str:
        """The keys of its log."""
        return vkeys_text(signer.vkey for signer in self.broker.log.signers)

    def receipt(self, action: str) -> str:
        """Take a statement, and return the receipt of it with its proof."""
        client = keyed(self.broker)
        withdrawn(self.broker, consented(self.broker, client))
        (event,) = owed(self.broker, client)
        taken = stated(self.broker, client, a_statement(self.broker, event, action=action)).action
        keep_log(self.broker)
        with self.broker.database.transaction() as tx:
            return str(bundle_action(tx, self.broker, taken))

    def forged(self, **changes: object) -> str:
        """Sign with the broker's own key a receipt that its statement does not bear out."""
        claims: dict[str, Any] = payload_of(json.loads(self.receipt("unlinked"))["evidence"].partition("~")[0])
        claims["action"] |= changes
        return assemble(self.broker.keys.receipts.sign(json.dumps(claims).encode(), typ=TYP))

    def bring(self, page: Page, text: str) -> str:
        """Paste a file and both kinds of keys, check, and return the verdict."""
        for box, pasted in (("jwks", self.jwks), ("vkeys", self.vkeys), ("evidence", text)):
            page.locator(f"#{box}-text").fill(pasted)
        page.locator("#desk > button").click()
        return verdict(page)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Give a broker whose log is begun."""
    home = tmp_path_factory.mktemp("said")
    database = Database(f"sqlite:///{home / 'broker.db'}", pen=a_pen())
    migrate(database)
    first_high_water(home)
    broker = a_broker(database)
    return Desk(replace(broker, log=a_log(broker.keys, marks=home)))


@pytest.fixture(scope="module")
def deleted(desk: Desk) -> str:
    """Give the receipt of a deletion."""
    return desk.receipt("deleted")


@pytest.fixture(scope="module")
def verifier(chromium: Browser) -> Iterator[VerifierPage]:
    """Give the page, from disk and offline."""
    with verifier_page(chromium) as verifier:
        yield verifier


@pytest.fixture
def page(verifier: VerifierPage) -> Iterator[Page]:
    """Give the page as it was opened; it must neither ask for anything nor complain."""
    with opened_anew(verifier.page) as page:
        yield page


@pytest.mark.parametrize("action", SAID)
def test_the_page_says_what_the_business_stated_and_not_that_it_did_so(desk: Desk, page: Page, action: str) -> None:
    assert desk.bring(page, desk.receipt(action)).startswith("Valid, and in the log.")
    assert (8, 0) == (page.locator(".held").count(), page.locator(".failed, .unmade").count())
    report = page.locator("#report")
    expect(report).to_contain_text(SAID[action])
    expect(report).to_contain_text("Whether the business did it: only that it stated so, with its own key.")
    names = page.locator(".facts dt").all_inner_texts()
    assert ["Business", "Event", "Done", "Time"] == names[1:5]
    assert not {"Account", "Record"} & set(names), "it names nobody"


@pytest.mark.parametrize("language", TOLD)
def test_it_says_so_in_the_readers_language(desk: Desk, page: Page, deleted: str, language: str) -> None:
    page.locator(f"button[lang={language}]").click()
    desk.bring(page, deleted)
    for words in TOLD[language]:
        expect(page.locator("#report")).to_contain_text(words)
    page.locator("button[lang=en]").click()


@pytest.mark.parametrize("lie", LIES)
def test_a_receipt_of_an_action_that_lies_proves_nothing(desk: Desk, page: Page, lie: str) -> None:
    text = desk.forged(**LIES[lie])
    said = desk.bring(page, text)
    assert "Not valid: step 5 (payload) failed." in said
    assert "Northwind" not in page.locator("main").inner_text()
    assert not verify_evidence(text, jwks=json.loads(desk.jwks)).holds


@pytest.mark.parametrize("anchored", [True, False], ids=["with keys", "without keys"])
def test_of_every_mutant_the_page_says_what_the_command_says(
    verifier: VerifierPage, desk: Desk, deleted: str, *, anchored: bool
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same mutants every time
    edits = [(chance.randrange(len(deleted)), chance.choice([0, 1, 1, 40]), chance.choice('Az9-_=.~+/"{}[]:,é'))
             for _ in range(MUTANTS)]  # fmt: skip
    jwks, vkeys = (desk.jwks, desk.vkeys) if anchored else (None, None)
    found = verifier.ask_edited(deleted, edits, jwks=jwks, vkeys=vkeys)

    def by_hand(text: str) -> object:
        keys = json.loads(jwks) if jwks else None
        return outcome(verify_evidence(text, jwks=keys, vkeys=read_vkeys(vkeys or "")))

    said = zip(edits, found, strict=True)
    assert {} == {edit: it for edit, it in said if by_hand(edited(deleted, edit)) != outcome_of_page(it)}
