"""The path without consent: a handle given in a form, one that was bought, and an objection."""

from hashlib import sha256

from demonstration.browser import Browser, Page
from demonstration.forms import Form
from demonstration.stage import Addresses, Stage
from demonstration.steps import expect, step
from demonstration.visit import Account, Exchange, Visitor, denied, permitted

ANA = Account(id="1450000000000000314", handle="ana_pires")
ZOE = Account(id="1690000000000000007", handle="zoe_writes")
#: What the person reads beside the field, and again in the paper that the tag names.
TOLD = "to recognise you when you ask us for help on X, and for nothing else"


def walk_without_consent(stage: Stage) -> None:
    """Walk it; the first step that fails ends the walk."""
    ana = customer("Ana Pires", "ana@example.com", ANA)
    zoe = customer("Zoë Ohara", "zoe@example.com", ZOE)
    give_a_handle(stage, ana)
    unfounded = say_it_was_bought(stage, zoe)
    object_to_all(stage, ana, unfounded)


def customer(name: str, email: str, account: Account) -> Visitor:
    """Return somebody who types the handle of her own account into the shop's form."""
    masked = f"{email[0]}•••@example.com"
    return Visitor(name=name, email=email, masked=masked, account=account, handle=account.handle, browser=Browser())


def give_a_handle(stage: Stage, ana: Visitor) -> None:
    """Give the handle in the form, and see what may be done on it."""
    at = stage.addresses
    with step("the signup form says beside the handle what it is for, and where to object", ana.browser):
        page = ana.browser.open(at.shop_url)
        told = TOLD in page.words and f"{at.issuer}/consents" in page.words
        expect(that=told, otherwise="the form does not say so")
    with step("Ana gives her handle there and links nothing", ana.browser):
        page = ana.sign_up(at)
        expect(that="Link your X account" in page.words, otherwise="the shop shows a link")
    with step("a match for customer care is permitted on what she gave", ana.browser):
        asked = ana.ask_on_given(at)
        permitted(asked.answer, basis="user_provided", clause="MATCH-4a")
    with step("the tag names the paper that she was told by, with its digest", ana.browser):
        read_tag(at, asked, ana.browser.open(f"{at.shop_url}/privacy"))
    with step("a match for the newsletter, of which she was not told, is denied", ana.browser):
        asked = ana.ask_on_given(at, purpose="newsletter")
        denied(asked.answer, reason="purpose_not_granted", clause="MATCH-3")
        expect(that="MATCH-3: " in asked.told, otherwise=f"the shop says only {asked.told!r}")


def read_tag(at: Addresses, asked: Exchange, paper: Page) -> None:
    """Look for what the tag must carry, and hold its digest against the paper as anybody gets it."""
    tag = asked.question["provenance"]
    expect(that=tag["tag"] == "user_provided" and "origin" not in tag, otherwise=f"the tag is {tag}")
    expect(that=tag["expected_purposes"] == ["customer-care"], otherwise=f"the tag is {tag}")
    named = tag["disclosure"]
    expect(that=named["url"] == f"{at.shop_url}/privacy" == paper.address, otherwise=f"the tag names {named}")
    expect(that=named["version"] in paper.words, otherwise="the paper is of another version")
    expect(that=TOLD in paper.words, otherwise="the paper says something else than the form")
    expect(that=named["sha256"] == sha256(paper.content).hexdigest(), otherwise="the digest is of another text")


def say_it_was_bought(stage: Stage, zoe: Visitor) -> Exchange:
    """Offer a handle on no ground, then as bought data; return what the shop learns where there is no ground."""
    at = stage.addresses
    with step("Zoë's handle, of which the shop does not say where it is from, is denied", zoe.browser):
        zoe.sign_up(at)
        unfounded = zoe.ask_on_given(at, said="unsaid")
        denied(unfounded.answer, reason="no_basis", clause="MATCH-4")
    with step("the same handle as bought data is refused", zoe.browser):
        denied(zoe.ask_on_given(at, said="bought").answer, reason="provenance_rejected", clause="MATCH-4a")
    with step("and stays refused when the shop says that she gave it", zoe.browser):
        denied(zoe.ask_on_given(at).answer, reason="provenance_rejected", clause="MATCH-4a")
    return unfounded


def object_to_all(stage: Stage, ana: Visitor, unfounded: Exchange) -> None:
    """Object at the broker's own page, and see the ground fall."""
    at = stage.addresses
    with step("Ana signs in at the broker and objects to all matching", ana.browser):
        page = ana.sign_in(at)
        page = ana.browser.send(objection_form(page), choice="object")
        taken = [form for form in page.reading.forms if form.has_button("allow-again")]
        expect(that=bool(taken), otherwise="the page offers no way to take an objection back")
    with step("the next match on what she gave is denied", ana.browser):
        asked = ana.ask_on_given(at)
        denied(asked.answer, reason="no_basis", clause="MATCH-4")
    with step("and the shop cannot tell why: of Zoë, who never objected, it read the same", ana.browser):
        expect(that=asked.learnt == unfounded.learnt, otherwise=f"{asked.learnt} is not {unfounded.learnt}")


def objection_form(page: Page) -> Form:
    """Return the form that objects to all matching: the one that names no business."""
    fits = [form for form in page.reading.forms if "/consents/object" in form.action and form.has_button("object")]
    general = [form for form in fits if not any(one.name == "client_id" for one in form.controls)]
    expect(that=len(general) == 1, otherwise=f"expected one form that objects to all matching, found {len(general)}")
    return general[0]
