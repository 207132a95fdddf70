"""The terms in force, as anybody reads them."""

import pytest
from harness import wire
from journeys.conftest import Visit
from journeys.visitor import Visitor
from playwright.sync_api import expect

DOCUMENT = "/policies/x-developer-terms"
LOCALES = {"en": "en-GB", "de": "de-DE"}
_DEAD_LINKS = """() => [...document.querySelectorAll("a[href^='#']")]
  .filter(one => !document.getElementById(one.getAttribute("href").slice(1))).map(one => one.href)"""
_TWICE = """() => { const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place); }"""


@pytest.mark.parametrize("language", LOCALES)
def test_every_clause_stands_under_its_own_anchor_with_what_it_says_and_where_that_is_written(
    visit: Visit, language: str
) -> None:
    visitor = visit(locale=LOCALES[language])
    document = wire.get(f"{visitor.town.issuer}{DOCUMENT}.json").json()
    visitor.open(f"{visitor.town.issuer}{DOCUMENT}")
    read = visitor.page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('h3[id]')].map(one => "
        "[one.id, one.parentElement.textContent.replace(/\\s+/g, ' ')]))"
    )
    assert set(read) == {clause["id"] for clause in document["clauses"]}
    lacking = [clause["id"] for clause in document["clauses"]
               for part in ("says", "source") if clause[part] not in read[clause["id"]]]  # fmt: skip
    assert lacking == []


def test_the_page_gives_version_fingerprint_and_every_number(visitor: Visitor) -> None:
    document = wire.get(f"{visitor.town.issuer}{DOCUMENT}.json").json()
    visitor.open(f"{visitor.town.issuer}{DOCUMENT}")
    expect(visitor.page.locator("dl")).to_contain_text(document["digest"])
    numbers = visitor.page.locator("td").all_inner_texts()
    assert [int(number.replace(",", "")) for number in numbers] == list(document["limits"].values())


def test_every_link_within_the_page_leads_somewhere_and_no_anchor_stands_twice(visitor: Visitor) -> None:
    visitor.open(f"{visitor.town.issuer}{DOCUMENT}")
    assert visitor.page.evaluate(_DEAD_LINKS) == []
    assert visitor.page.evaluate(_TWICE) == []


def test_what_a_clause_decides_opens_without_script(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.open(f"{visitor.town.issuer}{DOCUMENT}")
    clause = visitor.page.locator("section", has=visitor.page.locator("#SURVEILLANCE-8")).last
    expect(clause.get_by_text("calling the broker")).to_be_hidden()
    visitor.click(clause.locator("summary"))
    expect(clause.get_by_text("calling the broker")).to_be_visible()


def test_the_terms_are_two_links_away_from_the_front_door(visitor: Visitor) -> None:
    visitor.open(visitor.town.issuer)
    visitor.click(visitor.page.get_by_role("link", name="The terms in force"))
    visitor.click(visitor.page.get_by_role("link", name="X: developer terms on restricted uses"))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("X: developer terms on restricted uses")


def test_a_receipt_leads_to_the_terms_that_it_names(visitor: Visitor) -> None:
    visitor.links()
    visitor.signs_in()
    visitor.click(visitor.page.locator("article").get_by_role("link"))
    visitor.click(visitor.page.get_by_role("link", name="x-developer-terms"))
    assert visitor.path() == DOCUMENT
