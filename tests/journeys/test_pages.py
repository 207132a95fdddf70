"""Every page of the broker, looked at in each of its languages, light and dark, wide, narrow and zoomed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journeys import gallery
from journeys.conftest import arrival
from journeys.look import SCHEMES, WINDOWS, Look, look_at
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Browser

PAGES = 37
LOCALES = {"en": "en-GB", "de": "de-DE", "ar": "ar-EG"}
#: Colours are the same for every language, and so is zoom: in the third the pages are seen as on a desk and in a hand.
LESS = {"de": {"schemes": ("light",)}, "ar": {"windows": ("desktop", "narrow"), "schemes": ("light",)}}


@pytest.fixture(scope="module", params=LOCALES)
def language(request: pytest.FixtureRequest) -> str:
    """Give a language of the pages."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def walked(town: Town, chromium: Browser, language: str, pictures: Path) -> Iterator[tuple[Visitor, list[Look]]]:
    """Walk past every page once, and look."""
    with arrival(chromium, town, locale=LOCALES[language]) as visitor:
        names = gallery.pages(visitor)
        less = LESS.get(language, {})
        yield visitor, [look_at(visitor.page, f"{language}-{name}", pictures=pictures, **less) for name in names]


@pytest.fixture
def looks(walked: tuple[Visitor, list[Look]]) -> list[Look]:
    """Give what was seen."""
    return walked[1]


def seen(looks: list[Look], what: Callable[[Look], list[str]]) -> dict[str, list[str]]:
    """Return, page by page, what was found where something was."""
    return {look.name: what(look) for look in looks if what(look)}


def test_the_walk_passes_every_page(looks: list[Look]) -> None:
    assert len(looks) == len({look.name for look in looks}) == PAGES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(looks: list[Look], scheme: str) -> None:
    assert seen(looks, lambda look: look.axe.get(scheme, [])) == {}


@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_stands_beyond_the_edge_of_the_window(looks: list[Look], window: str) -> None:
    assert seen(looks, lambda look: look.beyond_the_edge.get(window, [])) == {}


def test_every_target_is_large_enough_for_a_finger(looks: list[Look]) -> None:
    assert seen(looks, lambda look: look.too_small) == {}


def test_every_page_says_which_language_it_speaks(looks: list[Look], language: str) -> None:
    assert {look.name: look.language for look in looks if look.language != language} == {}


def test_every_page_is_written_the_way_its_language_is(looks: list[Look], language: str) -> None:
    written = "rtl" if language == "ar" else "ltr"
    assert {look.name: look.direction for look in looks if look.direction != written} == {}


def test_in_a_language_from_the_right_nothing_of_english_is_left_but_what_is_said_to_be(
    looks: list[Look], language: str
) -> None:
    if language == "ar":
        assert seen(looks, lambda look: look.english) == {}


def test_every_page_has_one_heading_and_a_title(looks: list[Look]) -> None:
    assert {look.name: look.headings for look in looks if len(look.headings) != 1 or not look.title} == {}


def test_no_page_makes_the_browser_complain_or_lacks_a_header(walked: tuple[Visitor, list[Look]]) -> None:
    assert walked[0].watch.faults() == []
