"""The button on a shop's page: what it says, what it sends, whom it tells, and what happens where it does not run."""

from collections.abc import Callable

import pytest
from journeys.pressing import BACK, STRICT, answer, press, told, window_of
from journeys.shopfront import COOP, FORM, LINK, Street
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broker.web.embedding import WORDS, integrity
from broker.web.languages import FOLDER, Catalogs

SENT, FOLLOWED = {"csrf": "c"}, {"from": "here"}


# --- what it says


ARABIC = Catalogs(FOLDER).catalogs["ar"]
#: The page's language, what names the platform, what the button says, and in which language and direction.
SAID = [
    ("en", "", "Link your X account", "en ltr"),
    ("de", "", "Ihr X-Konto verknüpfen", "de ltr"),
    ("de-AT", 'platform="Mastodon"', "Ihr Mastodon-Konto verknüpfen", "de ltr"),
    ("ar", "", ARABIC.gettext(WORDS["link"]) % {"platform": "X"}, "ar rtl"),
    ("tlh", 'platform="$&"', "Link your $& account", "en ltr"),
]


def test_it_speaks_the_language_around_it(street: Street, shown: Callable[..., Page]) -> None:
    page = shown("".join(f"<div lang='{it[0]}' dir='rtl'>{street.button(it[1])}</div>" for it in SAID))
    for button, (_lang, _platform, says, speaks) in zip(page.get_by_role("button").all(), SAID, strict=True):
        expect(button).to_have_accessible_name(says)
        assert speaks == button.evaluate("one => `${one.lang} ${one.dir}`")


def test_one_that_opens_a_window_says_so_to_who_listens(street: Street, shown: Callable[..., Page]) -> None:
    button = shown(street.button("popup")).get_by_role("button")
    expect(button).to_have_accessible_name("Link your X account (opens a new window)")


def test_moving_it_about_makes_no_second_one_and_loses_no_answer(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    window = window_of(page)
    page.evaluate("() => document.body.prepend(document.createElement('p'), document.querySelector('consent-link'))")
    assert 1 == page.get_by_role("button").count()
    answer(window, "linked")
    assert ["linked"] == told(page)


# --- what it sends


@pytest.mark.parametrize(
    ("inside", "sent", "blocked"),
    [(FORM, SENT, ""), (LINK, FOLLOWED, ""), (FORM, SENT, "null"), (LINK, FOLLOWED, "{closed: true}")],
    ids=["form", "link", "form, blocked", "link, blocked by another"],
)
def test_the_page_itself_goes_unless_a_window_opens(
    street: Street, shown: Callable[..., Page], shopper: BrowserContext, inside: str, sent: dict[str, str], blocked: str
) -> None:
    if blocked:
        shopper.add_init_script(f"window.open = () => ({blocked})")
    page = shown(street.button("popup" if blocked else "", inside))
    press(page)
    page.wait_for_url("**/ask*")
    assert [sent] == street.started
    page.go_back()
    press(page)
    page.wait_for_url("**/ask?*")
    page.get_by_role("link", name="refused").click()
    page.wait_for_url("**/answer?outcome=refused")
    assert [["refused", None, ""]] == page.evaluate("() => told")


@pytest.mark.parametrize(
    ("inside", "sent", "headers"),
    [(FORM, SENT, {}), (LINK, FOLLOWED, {**COOP, "Content-Security-Policy": STRICT + "; form-action 'none'"})],
    ids=["form", "link, where the shop cuts ties as well and forms may lead nowhere"],
)
def test_a_window_brings_the_answer_back_over_every_cut(
    street: Street, shown: Callable[..., Page], inside: str, sent: dict[str, str], headers: dict[str, str]
) -> None:
    street.headers |= {name: value.format(file=f"{street.broker}/embed.js") for name, value in headers.items()}
    street.pages["/account"] = "<h1>Account</h1>"
    page = shown(street.button("popup next='/account'", inside))
    for outcome in ("linked", "refused"):
        window = window_of(page)
        assert window.evaluate("() => opener") is None
        assert "" == page.evaluate("() => location.search")
        answer(window, outcome)
        page.wait_for_url("**/account")
        page.goto(street.shop)
    names = [fields.pop("popup") for fields in street.started]
    assert [sent, sent] == street.started
    assert 2 == len({name for name in names if 10 < len(name) <= 28 and name.isalnum()})


def test_where_nobody_cuts_the_tie_the_button_does(street: Street, shown: Callable[..., Page]) -> None:
    """And an open window is known to be open."""
    page = shown(street.button("popup", '<a href="/start?loose=yes">Plain</a>'))
    window = window_of(page)
    assert window.evaluate("() => opener") is None
    page.evaluate(BACK)
    press(page)
    assert ([], 1) == (told(page), len(street.started))
    answer(window, "linked")
    assert ["linked"] == told(page)


def test_the_form_that_a_window_was_for_is_what_it_was(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    before = page.locator("consent-link").inner_html()
    answer(window_of(page), "refused")
    assert before == page.locator("consent-link").inner_html().replace(' target=""', "")


def test_it_leads_on_to_the_shops_own_pages_only(street: Street, shown: Callable[..., Page]) -> None:
    strangers = ("javascript:document.title=1", "//stranger.example")
    page = shown("".join(street.button(f'popup next="{one}"') for one in strangers))
    for number in range(len(strangers)):
        answer(window_of(page, number), "linked")
        expect(page.get_by_role("status").nth(number)).to_have_text("Your X account is linked.")
    assert (f"{street.shop}/", "Shop") == (page.url, page.title())


def test_a_page_that_says_so_stays(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup next='/account'"))
    page.evaluate("() => { window.staying = true; }")
    answer(window_of(page), "refused")
    expect(page.get_by_role("status")).to_have_text("Nothing was linked.")
    assert f"{street.shop}/" == page.url


# --- whom it tells


def test_nothing_is_said_but_how_it_ended(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup id='here'"))
    answer(window_of(page), "linked")
    name = street.started[0]["popup"]
    assert [["linked", None, "here"]] == page.evaluate("() => told")
    assert [{"popup": name, "outcome": "linked"}] == [it for it in page.evaluate("() => heard") if "outcome" in it]
    assert {"popup", "outcome", "heard"} >= {word for it in page.evaluate("() => heard") for word in it}


def test_of_two_buttons_each_hears_its_own_answer(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup id='first'") + street.button("popup id='second' platform='Mastodon'"))
    first, second = window_of(page, 0), window_of(page, 1)
    answer(second, "refused")
    answer(first, "linked")
    assert [["refused", None, "second"], ["linked", None, "first"]] == page.evaluate("() => told")
    assert ["Your X account is linked.", "Nothing was linked."] == page.get_by_role("status").all_inner_texts()


def test_another_tab_of_the_shop_hears_nothing(street: Street, shown: Callable[..., Page]) -> None:
    other, page = shown(street.button("popup")), shown(street.button("popup"))
    window = window_of(other)
    answer(window_of(page), "linked")
    assert ([], ["linked"]) == (told(other), told(page))
    answer(window, "refused")
    assert (["refused"], ["linked"]) == (told(other), told(page))


STRAY = ("{popup: 'another', outcome: 'linked'}", "{popup: ID, outcome: 'erased'}", "{popup: ID}", "null", "'linked'")


def test_what_is_no_answer_to_it_changes_nothing(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    window = window_of(page)
    for said in STRAY:
        stray = said.replace("ID", f"'{street.started[0]['popup']}'")
        page.evaluate(f"() => new BroadcastChannel('consent-link').postMessage({stray})")
    answer(window, "refused")
    assert ["refused"] == told(page)


def test_an_answer_that_nobody_waits_for_keeps_its_window(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    window = window_of(page)
    page.reload()
    window.get_by_role("link", name="linked").click()
    expect(window.get_by_text("Your answer has arrived.")).to_be_visible()
    assert [] == told(page)


def test_who_closes_the_window_is_told_to_begin_again_and_can(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    window_of(page).close()
    assert [] == told(page)
    page.evaluate(BACK)
    page.evaluate(BACK)
    assert [["closed", None, ""]] == page.evaluate("() => told")
    expect(page.get_by_role("status")).to_contain_text("There is no answer yet.")
    answer(window_of(page), "linked")
    assert ["closed", "linked"] == told(page)


def test_who_only_looks_back_is_still_answered(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup"))
    window = window_of(page)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    assert ["closed"] == told(page)
    answer(window, "linked")
    assert ["closed", "linked"] == told(page)


def test_without_a_way_to_go_it_says_so_to_the_developer(chromium: Browser, street: Street) -> None:
    with chromium.new_context() as context:
        street.pages["/"] = street.button(inside="<p>Soon</p>")
        page = context.new_page()
        page.goto(street.shop)
        with page.expect_event("pageerror") as failing:
            press(page)
        assert "needs a form or a link inside" in failing.value.message


# --- without it


@pytest.mark.parametrize("why", ["no script", "another file", "no leave", "an old browser"])
def test_where_it_does_not_run_the_form_inside_does_the_work(chromium: Browser, street: Street, why: str) -> None:
    digest = integrity(street.file + (" " if why == "another file" else ""))
    if why == "no leave":
        street.headers["Content-Security-Policy"] = "default-src 'none'"
    street.pages["/"] = f"""<!doctype html><html lang="en"><title>Shop</title><script type="module" crossorigin
      src="{street.broker}/embed.js" integrity="{digest}"></script>{street.button()}"""
    with chromium.new_context(java_script_enabled=why != "no script") as context:
        if why == "an old browser":
            context.add_init_script("delete globalThis.CSSStyleSheet")
        page = context.new_page()
        page.goto(street.shop)
        expect(page.get_by_role("button")).to_have_accessible_name("Plain")
        press(page)
        page.wait_for_url("**/ask?*")
    assert [{"csrf": "c"}] == street.started


def test_with_its_digest_it_runs(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(f"""<!doctype html><html lang="en"><title>Shop</title><script type="module" crossorigin
      src="{street.broker}/embed.js" integrity="{integrity(street.file)}"></script>{street.button()}""")
    expect(page.get_by_role("button")).to_have_accessible_name("Link your X account")
