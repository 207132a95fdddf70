"""The whole path, walked: link, receipt, match, withdrawal, who says no, who was never asked, and the evidence."""

import json
from http import HTTPStatus
from pathlib import Path

import requests

from demonstration import receipts
from demonstration.browser import Browser
from demonstration.evidence import walk_evidence
from demonstration.moves import walk_moves
from demonstration.stage import Stage
from demonstration.steps import expect, step
from demonstration.unconsented import walk_without_consent
from demonstration.visit import Account, Visitor, arrived, denied, permitted

CARE = "customer-care"
JOHN = Account(id="1234567890123456789", handle="johndoe")
WEI = Account(id="55501", handle="li_wei")
ERIKA = Account(id="1780000000000000042", handle="mustermann")
TIMEOUT = 10


def walk(stage: Stage) -> None:
    """Walk it; the first step that fails ends the walk."""
    print("ok   the platform, the broker and the shop run", flush=True)
    jane = Visitor(
        name="Jane Doe", email="jane@example.com", masked="j•••@example.com", account=JOHN, browser=Browser()
    )
    erika = Visitor(
        name="Erika Mustermann",
        email="erika@example.com",
        masked="e•••@example.com",
        account=ERIKA,
        browser=Browser("de"),
    )
    wei = Visitor(
        name="Li Wei",
        email="wei@example.com",
        masked="w•••@example.com",
        account=WEI,
        handle=JOHN.handle,
        browser=Browser(),
    )
    link_an_account(stage, jane)
    keep_the_receipt(stage, jane)
    use_the_link(stage, jane)
    take_it_back_by_link(stage, jane)
    confirm_it(stage, jane)
    take_it_back_signed_in(stage, jane)
    give_it_up(stage, jane)
    say_no(stage, erika)
    claim_another_handle(stage, wei)
    walk_without_consent(stage)
    walk_moves(stage)
    walk_evidence(stage, jane)


def link_an_account(stage: Stage, jane: Visitor) -> None:
    """From the signup to the linked account."""
    at = stage.addresses
    with step("Jane opens an account at the shop", jane.browser):
        jane.sign_up(at)
    with step("the shop's button leads by way of the broker to the platform", jane.browser):
        jane.ask_to_link(at)
    with step("she signs in there as @johndoe and comes to the notice", jane.browser):
        jane.prove(at.issuer, "/consent/")
    with step("the notice says who asks and what is linked, and ticks nothing", jane.browser):
        read_notice(jane)
    with step("Allow without a purpose asks for one", jane.browser):
        page = jane.answer("allow")
        expect(that=page.status == HTTPStatus.UNPROCESSABLE_ENTITY, otherwise="the broker took an empty consent")
    with step("she ticks customer care, presses Allow and is back at the shop", jane.browser):
        page = arrived(jane.answer("allow", ticked=(CARE,)), at.shop_url, "/account")
        expect(that="@johndoe" in page.words and CARE in page.words, otherwise="the shop shows no link")
        expect(that="the newsletter" not in page.words, otherwise="the shop has more than she allowed")
    with step("the broker has given its token back to the platform"):
        reply = requests.get(f"{at.platform_url}/sandbox/tokens", timeout=TIMEOUT)
        counts = reply.json()
        expect(that=counts["issued"] > 0 and counts["live"] == 0, otherwise=f"the platform counts {counts}")


def read_notice(jane: Visitor) -> None:
    """Look for everything that a person must be told before she can say yes."""
    page = jane.shown()
    for words in ("Example Shop", f"@{jane.account.handle}", jane.masked):
        expect(that=words in page.words, otherwise=f"the notice does not say {words!r}")
    expect(that=jane.email not in page.text, otherwise="the notice shows the address unmasked")
    boxes = page.form(button="allow").choices("purpose")
    expect(that={box.value for box in boxes} == {CARE, "newsletter"}, otherwise="the purposes are others")
    expect(that=not any(box.on for box in boxes), otherwise="a purpose is ticked already")


def keep_the_receipt(stage: Stage, jane: Visitor) -> None:
    """Check the receipt with nothing but the broker's published keys, and a changed one too."""
    file, keys = stage.state / "receipt.sd-jwt", stage.state / "jwks.json"
    with step("the receipt verifies offline", jane.browser):
        receipts.download(jane.browser, f"{stage.addresses.issuer}/.well-known/jwks.json", keys)
        receipts.download(jane.browser, f"{stage.addresses.shop_url}/receipt", file)
        stage.verify(file, keys)
    with step("the same receipt with a later end written into it does not"):
        changed = Path(file.with_name("changed.sd-jwt"))
        changed.write_text(receipts.with_other_end(file.read_text("utf-8")), "utf-8")
        receipts.expect_refused(stage, changed, keys)


def use_the_link(stage: Stage, jane: Visitor) -> None:
    """Ask for matches that are covered, and for one that is not."""
    at = stage.addresses
    with step("a match by the account's number is permitted", jane.browser):
        permitted(jane.match(at))
    with step("a match by the handle is permitted", jane.browser):
        permitted(jane.match(at, by="handle"))
    with step("a match for the newsletter, which she did not tick, is denied", jane.browser):
        denied(jane.match(at, purpose="newsletter"), reason="purpose_not_granted")
    with step("a match for a purpose the shop never declared is denied", jane.browser):
        denied(jane.match(at, purpose="direct-marketing"), reason="purpose_not_declared")


def take_it_back_by_link(stage: Stage, jane: Visitor) -> None:
    """Withdraw with the link in the receipt, in a browser that is signed in nowhere."""
    link = receipts.withdrawal_link((stage.state / "receipt.sd-jwt").read_text("utf-8"))
    elsewhere = Browser()
    with step("opening the link in the receipt changes nothing", elsewhere):
        arrived(elsewhere.open(link), stage.addresses.issuer, "/consents/")
        permitted(jane.match(stage.addresses))
    with step("one button there takes the consent back", elsewhere):
        page = elsewhere.send(elsewhere.open(link).form(button="withdraw"), choice="withdraw")
        expect(that=page.status == HTTPStatus.OK, otherwise=f"a page with status {page.status}")
    with step("the next match is denied", jane.browser):
        denied(jane.match(stage.addresses), reason="withdrawn")
        denied(jane.match(stage.addresses, by="handle"), reason="withdrawn")


def confirm_it(stage: Stage, jane: Visitor) -> None:
    """Let the shop hear of the withdrawal, and the person see what the shop did."""
    at = stage.addresses
    with step("the shop hears of it, unlinks, and confirms that with its signature", jane.browser):
        page = jane.browser.send(jane.browser.open(f"{at.shop_url}/account").form(action="/events"))
        page = arrived(page, at.shop_url, "/account")
        expect(that="@johndoe" not in page.words, otherwise="the shop still shows the handle")
        said = stage.broker("actions", "list").splitlines()
        expect(that=len(said) == 1 and "unlinked" in said[0], otherwise=f"the operator sees {said}")
    with step("her page says that the shop confirmed: 1 of 1", jane.browser):
        page = jane.sign_in(at)
        expect(that="1 of 1 confirmed" in page.words, otherwise="the page does not say so")
        expect(that="that it unlinked your account" in page.words, otherwise="the page does not say what was done")
        jane.browser.send(jane.shown().form(action="/consents/sign-out"))


def take_it_back_signed_in(stage: Stage, jane: Visitor) -> None:
    """Give a consent again and withdraw it at the broker's own page."""
    at = stage.addresses
    with step("she links again", jane.browser):
        jane.link(at, purposes=(CARE, "newsletter"))
        permitted(jane.match(at, purpose="newsletter"))
    with step("@johndoe signs in at the broker and sees what was allowed", jane.browser):
        page = jane.sign_in(at)
        expect(that="Example Shop" in page.words, otherwise="the consent is not listed")
    with step("one button there takes it back, and the next match is denied", jane.browser):
        form = jane.shown().form(button="withdraw", action="/consents/withdraw")
        jane.browser.send(form, choice="withdraw")
        denied(jane.match(at, purpose="newsletter"), reason="withdrawn")


def give_it_up(stage: Stage, jane: Visitor) -> None:
    """Let the shop end a live grant itself."""
    with step("a link that the shop gives up is gone at the broker too", jane.browser):
        unlink(stage, jane)
        jane.link(stage.addresses, purposes=(CARE,))
        unlink(stage, jane)
        page = jane.browser.open(f"{stage.addresses.issuer}/consents")
        expect(that=not any(form.has_button("withdraw") for form in page.reading.forms), otherwise="it is listed")


def unlink(stage: Stage, jane: Visitor) -> None:
    """Press the shop's own button."""
    page = jane.browser.open(f"{stage.addresses.shop_url}/account")
    page = arrived(jane.browser.send(page.form(action="/unlink")), stage.addresses.shop_url, "/account")
    expect(that="@johndoe" not in page.words, otherwise="the shop still shows the handle")


def say_no(stage: Stage, erika: Visitor) -> None:
    """Read the notice in German and refuse."""
    at = stage.addresses
    with step("Erika reads the notice in German", erika.browser):
        erika.sign_up(at)
        erika.ask_to_link(at)
        page = erika.prove(at.issuer, "/consent/")
        expect(that=page.reading.language == "de", otherwise=f"the page is in {page.reading.language!r}")
    with step("she says no, and the shop learns that and nothing more", erika.browser):
        page = arrived(erika.answer("refuse"), at.shop_url, "/account")
        back = json.dumps([hop for hop in page.trail if "/callback" in hop])
        expect(that="error=access_denied" in back, otherwise="the shop was told something else")
        told = any(words in back for words in (erika.account.id, erika.account.handle))
        expect(that=not told, otherwise="the shop was told whose account refused")
        expect(that="You said no." in page.words, otherwise="the shop does not say so")


def claim_another_handle(stage: Stage, wei: Visitor) -> None:
    """Name a handle at the shop and prove another account."""
    at = stage.addresses
    with step("Li Wei, who named @johndoe at the shop, is told that he proved another account", wei.browser):
        wei.sign_up(at)
        wei.ask_to_link(at)
        page = wei.browser.send(wei.shown().form(button="authorize"), choice="authorize", person=WEI.id)
        expect(that=page.address.startswith(at.issuer), otherwise="the browser is not at the broker")
        expect(that=page.status == HTTPStatus.CONFLICT, otherwise=f"a page with status {page.status}")
        told = all(f"@{handle}" in page.words for handle in (WEI.handle, JOHN.handle))
        expect(that=told, otherwise="the page does not name both handles")
    with step("and nothing was linked", wei.browser):
        page = wei.browser.open(f"{at.shop_url}/account")
        expect(that="Link your X account" in page.words, otherwise="the shop shows a link")
