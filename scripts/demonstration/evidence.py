"""What can be checked without asking the broker: a bundle, a status list, an audit, a dossier, an erasure."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from demonstration import receipts
from demonstration.browser import Browser, BrowserError, Page
from demonstration.programs import ProgramError
from demonstration.stage import Stage
from demonstration.steps import UnexpectedError, expect, step
from demonstration.visit import Visitor, arrived, denied, permitted

CARE = "customer-care"
#: A receipt is in a checkpoint, and an end in a status list, within five seconds.
PATIENCE = 5.0
BETWEEN_LOOKS = 0.25
Seen = TypeVar("Seen")


def walk_evidence(stage: Stage, jane: Visitor) -> None:
    """Walk it; the first step that fails ends the walk."""
    bundle = keep_the_proof(stage, jane)
    day = follow_the_status(stage, jane, bundle)
    touch_the_database(stage)
    ask_what_allowed_it(stage, jane, day)
    erase(stage, jane)


def keep_the_proof(stage: Stage, jane: Visitor) -> Path:
    """Link again, and fetch the receipt as the person gets it: with its proof of being in the log."""
    at, bundle = stage.addresses, stage.state / "receipt.bundle.json"
    with step("Jane links once more, and within five seconds her receipt is in the log", jane.browser):
        jane.link(at, purposes=(CARE,))
        page = jane.browser.open(f"{at.issuer}/consents")
        address = f"{at.issuer}{first_link(page, '/consents/receipts/')}"
        page = in_time(lambda: jane.browser.open(address), lambda page: 'id="unproved"' not in page.text)
        receipts.download(jane.browser, f"{address}/download", bundle)
    with step("the file verifies offline, its place in the log as well"):
        receipts.download(Browser(), f"{at.issuer}/log/vkeys", stage.state / "vkeys")
        stage.verify(bundle, stage.state / "jwks.json", vkeys=stage.state / "vkeys")
    return bundle


def follow_the_status(stage: Stage, jane: Visitor, bundle: Path) -> str:
    """Withdraw, and see it in the list that everybody fetches; return the day on which a match was permitted."""
    at, token = stage.addresses, stage.state / "status.jwt"
    address = receipts.status_address(bundle)

    def verified() -> str:
        receipts.download(Browser(), address, token)
        return receipts.refusal(stage, bundle, stage.state / "jwks.json", vkeys=stage.state / "vkeys", status=token)

    with step("the status list says to whoever holds the file that the consent stands"):
        refused = verified()
        expect(that=not refused, otherwise=refused)
    with step("Jane withdraws, and within five seconds the list says so", jane.browser):
        answer = jane.match(at)
        permitted(answer)
        form = jane.browser.open(f"{at.issuer}/consents").form(button="withdraw", action="/consents/withdraw")
        jane.browser.send(form, choice="withdraw")
        expect(that="status" in in_time(verified, bool), otherwise="another step failed than the status")
    return str(answer["context"]["decided_at"])[:10]


def touch_the_database(stage: Stage) -> None:
    """Edit a row as whoever has the database can, and look who notices."""
    with step("the audit finds every row as the broker wrote it"):
        stage.broker("audit")
    with step("a decision that somebody turns into a permit in the database is named by the audit"):
        turned = turn(stage, "SELECT decision_id FROM decisions WHERE NOT permitted LIMIT 1", permitted=True)
        try:
            said = stage.broker("audit")
        except ProgramError as failure:
            said = str(failure)
        expect(that="decisions " in said and turned in said, otherwise=f"the audit says {said!r}")
        turn(stage, f"SELECT '{turned}'", permitted=False)
        stage.broker("audit")


def turn(stage: Stage, which: str, *, permitted: bool) -> str:
    """Write into a decision past the broker; return its id."""
    with closing(sqlite3.connect(stage.database, timeout=PATIENCE)) as raw, raw:
        (decision_id,) = raw.execute(which).fetchone()
        raw.execute("UPDATE decisions SET permitted = ? WHERE decision_id = ?", (permitted, decision_id))
    return str(decision_id)


def ask_what_allowed_it(stage: Stage, jane: Visitor, day: str) -> None:
    """Have the grounds of a day written down, and check them as an auditor would."""
    with step("what allowed the matches of today is one file, and it verifies offline"):
        file = stage.state / "dossier.json"
        file.unlink(missing_ok=True)
        asked = ("--client", stage.shop_client(), "--account", f"x:{jane.account.id}", "--at", day)
        stage.broker("evidence", *asked, "--out", str(file))
        stage.verify(file, stage.state / "jwks.json", vkeys=stage.state / "vkeys")


def erase(stage: Stage, jane: Visitor) -> None:
    """Erase the person, and keep the certificate."""
    at, file = stage.addresses, stage.state / "certificate.sd-jwt"
    with step("Jane erases everything about her, and is handed a certificate", jane.browser):
        form = jane.browser.open(f"{at.issuer}/consents/erase").form(button="erase")
        page = arrived(jane.browser.send(form, choice="erase"), at.issuer, "/consents/erase")
        file.write_text(unquote(first_link(page, "data:application/sd-jwt,").partition(",")[2]), "utf-8")
        stage.verify(file, stage.state / "jwks.json")
    with step("nobody is matched by her account or her handle any more", jane.browser):
        for by in ("id", "handle"):
            denied(jane.match(at, by=by), reason="no_basis")
    with step("and the audit still finds every row as the broker wrote it"):
        stage.broker("audit")


def first_link(page: Page, beginning: str) -> str:
    """Return where the first link leads whose address begins so."""
    found = [link for link in page.reading.links if link.startswith(beginning)]
    if not found:
        raise BrowserError(f"no link to {beginning}")
    return found[0]


def in_time(look: Callable[[], Seen], fits: Callable[[Seen], object]) -> Seen:
    """Look again and again until what is seen fits, for as long as it may take."""
    ends = time.monotonic() + PATIENCE
    while not fits(seen := look()):
        if time.monotonic() > ends:
            raise UnexpectedError(f"after {PATIENCE:.0f} s it is still not so")
        time.sleep(BETWEEN_LOOKS)
    return seen
