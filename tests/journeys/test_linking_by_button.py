"""From the shop's button to a link and back, in a window of its own: broker and platform cut every tie to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness import wire
from journeys.keyboard import Keyboard
from journeys.visitor import Visitor
from playwright.sync_api import Locator, Page, Response, expect

REFUSED = "You said no. Your account works all the same."
#: Without a screen every tab has the focus, always: a page is told what it is told where there is one.
BACK = "() => dispatchEvent(new Event('focus'))"
#: The page goes on at once, so what it was told is said aloud.
ALOUD = """for (const one of ["linked", "refused", "closed"])
  document.addEventListener(`consent-link:${one}`, () => console.info(one))"""


class Witness:
    """Sees every answer to a page of the context, and hears what each is told and complains of."""

    def __init__(self, visitor: Visitor) -> None:
        self.asked: set[str] = set()
        self.documents: list[Response] = []
        self.heard: list[str] = []
        visitor.context.add_init_script(ALOUD)
        visitor.context.on("response", self._see)
        visitor.context.on("console", lambda message: self.heard.append(message.text))

    def _see(self, response: Response) -> None:
        self.asked.add(wire.origin_of(response.url))
        if response.request.is_navigation_request():
            self.documents.append(response)


def comes_to_the_button(visitor: Visitor) -> Locator:
    """Sign up at the shop, and choose a window for what follows."""
    visitor.signs_up()
    visitor.page.get_by_role("link", name="Do it in a window of its own").click()
    visitor.page.wait_for_url("**/account?window=own")
    return visitor.linking_button()


@contextmanager
def in_a_window(visitor: Visitor) -> Iterator[Page]:
    """Press the button, and be in the window that opens while the block lasts; the window closes with it."""
    page = visitor.page
    with visitor.context.expect_page() as coming:
        visitor.asks_to_link()
    visitor.page = coming.value
    yield visitor.page
    if not visitor.page.is_closed():
        visitor.page.wait_for_event("close")
    visitor.page = page


def test_a_window_links_and_closes_and_nobody_else_is_asked(visitor: Visitor) -> None:
    town, witness = visitor.town, Witness(visitor)
    comes_to_the_button(visitor)
    with in_a_window(visitor) as window:
        visitor.proves()
        expect(visitor.button("allow")).to_be_enabled()
        assert window.evaluate("() => window.opener") is None
        visitor.answers("allow", "customer-care")
    assert f"Your X account @{visitor.account.handle} is linked." == visitor.at_shop()
    away = [one for one in witness.documents if wire.origin_of(one.url) in {town.issuer, town.platform_url}]
    assert {"same-origin"} == {one.headers.get("cross-origin-opener-policy") for one in away}
    assert {town.shop_url, town.issuer, town.platform_url} == witness.asked
    assert ["linked"] == witness.heard
    assert not [one.url for one in witness.documents if "code=" in one.url and one.status < 300]


def test_a_refusal_in_a_window_needs_no_mouse(visitor: Visitor) -> None:
    witness, button = Witness(visitor), comes_to_the_button(visitor)
    with visitor.context.expect_page() as coming:
        Keyboard(visitor.page).press(button)
    hands, visitor.page, page = Keyboard(coming.value), coming.value, visitor.page
    people = visitor.page.locator("input[name=person]")
    hands.choose(people, visitor.page.locator(f"input[name=person][value='{visitor.account.id}']"))
    hands.press(visitor.page.locator("button[value=authorize]"))
    expect(visitor.button("refuse")).to_be_enabled()
    with coming.value.expect_event("close"):
        hands.press(visitor.button("refuse"))
    visitor.page = page
    assert REFUSED == visitor.at_shop()
    assert ["refused"] == witness.heard


def test_who_closes_the_window_has_linked_nothing_and_can_begin_again_in_the_page_itself(visitor: Visitor) -> None:
    comes_to_the_button(visitor)
    page = visitor.page
    with in_a_window(visitor) as window:
        visitor.proves()
        expect(visitor.button("allow")).to_be_visible()
        window.close()
    page.evaluate(BACK)
    expect(page.get_by_role("status")).to_contain_text("There is no answer yet.")
    page.evaluate("() => { window.open = () => null; }")  # and what is opened now is blocked
    visitor.asks_to_link()
    visitor.proves()
    visitor.answers("allow", "customer-care")
    assert "is linked" in visitor.at_shop()
