"""The screen, on statements and sources that its author did not write, and mechanism by mechanism."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.core.screening import (
    SENSITIVE,
    UNREADABLE,
    USES,
    Screening,
    channel_is_refused,
    host_is_guarded,
    screen_source,
    screen_text,
    source_is_open,
)
from broker.policies import load_screen

HERE = Path(__file__).parent
SCREEN = load_screen()
#: The clause of each label, as the screen calls it.
CATEGORY = {
    "MEASURE-1": "measuring",
    **{f"SURVEILLANCE-{number}": use for number, use in enumerate(USES[1:], start=1)},
    **{f"SENSITIVE-1.{name}": name for name in SENSITIVE},
}


def corpus(name: str) -> list[dict[str, str]]:
    cases: list[dict[str, str]] = tomllib.loads((HERE / name).read_text(encoding="utf-8"))["case"]
    return cases


def verdict(read: Screening) -> str:
    return "refused" if read.found else "held" if read.doubtful else "passed"


def share(counts: Mapping[tuple[str, ...], int], key: tuple[str, ...], *verdicts: str) -> float:
    whole = sum(number for known, number in counts.items() if known[:-1] == key)
    return sum(counts.get((*key, each), 0) for each in verdicts) / whole


@pytest.fixture(scope="module")
def statements() -> Counter[tuple[str, ...]]:
    """How many statements of each language and kind got each verdict; also by label."""
    counts: Counter[tuple[str, ...]] = Counter()
    for case in corpus("screening_corpus.toml"):
        read = screen_text(case["text"], SCREEN)
        kind = "fine" if case["label"] == "fine" else "prohibited"
        counts[case["language"], kind, verdict(read)] += 1
        counts["all", kind, verdict(read)] += 1
        if kind == "prohibited":
            named = CATEGORY[case["label"]] in {**read.found, **read.doubtful}
            counts[case["language"], case["label"], verdict(read)] += 1
            counts["all", case["label"], verdict(read)] += 1
            told = "told" if named else "not told"
            counts[case["language"], "by its own category", told] += 1
            counts["by its own category", case["label"], told] += 1
    return counts


@pytest.fixture(scope="module")
def sources() -> Counter[tuple[str, ...]]:
    """How many sources of each kind were refused, on whichever ground, and how many passed."""
    counts: Counter[tuple[str, ...]] = Counter()
    for case in corpus("screening_sources.toml"):
        url = case["url"]
        flagged = bool(screen_source(url, SCREEN)) or not source_is_open(url, SCREEN)
        counts["source", case["label"], "refused" if flagged else "passed"] += 1
        kind = "fine" if case["label"] == "fine" else "prohibited"
        counts["source", "any " + kind, "refused" if flagged else "passed"] += 1
    return counts


def test_the_score_is_reported(statements: Counter[tuple[str, ...]], sources: Counter[tuple[str, ...]]) -> None:
    for key, number in sorted((*statements.items(), *sources.items())):
        print(*key, number, sep="\t")  # noqa: T201 - the report is what this test is for
    assert statements
    assert sources


@pytest.mark.parametrize(("language", "floor"), {"en": 0.90, "de": 0.88}.items())
def test_prohibited_statements_are_refused_or_held(
    statements: Counter[tuple[str, ...]], language: str, floor: float
) -> None:
    assert share(statements, (language, "prohibited"), "refused", "held") >= floor


@pytest.mark.parametrize("label", CATEGORY)
def test_no_category_is_let_through(statements: Counter[tuple[str, ...]], label: str) -> None:
    assert share(statements, ("all", label), "refused", "held") >= 0.65


@pytest.mark.parametrize("label", CATEGORY)
def test_a_category_is_told_by_its_own_words(statements: Counter[tuple[str, ...]], label: str) -> None:
    """What one category's words miss, another's may catch: the floors above would not notice an empty one."""
    assert share(statements, ("by its own category", label), "told") >= 0.5


def test_fine_statements_are_seldom_refused_or_held(statements: Counter[tuple[str, ...]]) -> None:
    assert share(statements, ("all", "fine"), "refused") <= 0.035
    assert share(statements, ("all", "fine"), "held") <= 0.17


def test_prohibited_sources_are_refused_and_fine_ones_seldom(sources: Counter[tuple[str, ...]]) -> None:
    assert share(sources, ("source", "any prohibited"), "refused") >= 0.89
    assert share(sources, ("source", "any fine"), "refused") <= 0.14


FOUND = {
    "an act near a topic": ("We infer from posts who is pregnant.", "health"),
    "a German verb at the end": ("Aus Beiträgen wird die Schwangerschaft einer Kundin abgeleitet.", "health"),
    "a German compound": ("Wir schätzen aus Likes die Privatinsolvenz.", "financial"),
    "a separated verb": ("Wir leiten aus Likes die Konfession ab.", "religion"),
    "a phrase that leaves no doubt": ("Facial recognition at the door", "faces"),
}
DOUBTED = {
    "a topic beside a weak act": (
        "A list of members of our mosque, who may use the car park.",
        "religion",
    ),
    "a topic in a name": ("depression offers", "health"),
    "a denial": ("We never infer who is pregnant.", "health"),
    "a German denial": ("Wir leiten nicht ab, wer schwanger ist.", "health"),
    "two topics": ("Gay men and lesbian women may write to our desk, which is open on all days.", "sexuality"),
}
PASSED = (
    "Customers pay by credit card and ask about the order by message.",
    "We send the tracking number of the parcel to the linked account.",
    "Our bookshop in Church Street answers questions about race bikes.",
    "Unser Fahrradladen in der Kirchstraße beantwortet Fragen zur Sendungsverfolgung.",
    "Die Stadtwerke beantworten Fragen zum Stromtarif, auch zum Tarifwechsel.",
)


@pytest.mark.parametrize(("text", "category"), FOUND.values(), ids=FOUND.keys())
def test_a_clear_statement_is_found_with_its_words(text: str, category: str) -> None:
    assert screen_text(text, SCREEN).found[category]


@pytest.mark.parametrize(("text", "category"), DOUBTED.values(), ids=DOUBTED.keys())
def test_a_doubtful_statement_is_held_and_not_refused(text: str, category: str) -> None:
    read = screen_text(text, SCREEN)
    assert category not in read.found
    assert read.doubtful[category]


@pytest.mark.parametrize("text", PASSED)
def test_an_ordinary_shop_word_raises_nothing(text: str) -> None:
    assert "passed" == verdict(screen_text(text, SCREEN))


def test_a_turn_of_phrase_is_no_denial() -> None:
    assert "health" in screen_text("We not only infer who is pregnant.", SCREEN).found


def test_a_full_stop_keeps_an_act_from_its_topic() -> None:
    assert "health" not in screen_text("Depression kept him away. We infer the delivery time.", SCREEN).found


EVASIONS = {
    "capitals": "WE INFER WHO IS PREGNANT",
    "full width": "We infer who is " + "".join(chr(ord(letter) + 0xFEE0) for letter in "pregnant"),
    "zero width": "We in\u200bfer who is preg\u200dnant",
    "a soft hyphen": "We infer who is preg\u00adnant",
    "hyphens": "We infer who is preg-nant",
    "full stops": "We infer who is p.r.e.g.n.a.n.t",
    "letters apart": "We infer who is p r e g n a n t",
    "Cyrillic letters": "We infer who is \u0440regn\u0430nt",
    "combining marks": "We infer who is pre\u0336gna\u0336nt",
    "digits for letters": "We 1nfer who is pr3gn4nt",
    "an umlaut written out": "Wir schaetzen, wer ueberschuldet ist",
    "an umlaut left out": "Wir schatzen, wer uberschuldet ist",
}


@pytest.mark.parametrize("text", EVASIONS.values(), ids=EVASIONS.keys())
def test_a_word_in_disguise_is_read(text: str) -> None:
    assert {"health", "financial"} & {**screen_text(text, SCREEN).found}.keys()


UNREAD = {
    "letters apart": "We w a t c h people",
    "another alphabet": "Мы определяем, кто из клиентов ждёт ребёнка",
    "another language": "Nous devinons quelles clientes attendent un enfant pour leur envoyer des couches gratuites",
}


@pytest.mark.parametrize("text", UNREAD.values(), ids=UNREAD.keys())
def test_what_cannot_be_read_is_held(text: str) -> None:
    assert UNREADABLE in screen_text(text, SCREEN).doubtful


@pytest.mark.parametrize("category", [*SENSITIVE, *USES])
@pytest.mark.parametrize("tongue", ["en", "de"])
def test_every_category_finds_its_own_words(category: str, tongue: str) -> None:
    """The first phrase or name of each, beside an act, is a finding or a doubt of that category."""
    lists = tomllib.loads((HERE.parents[1] / "broker/policies/screening.toml").read_text())[category][tongue]
    words = (lists.get("phrases") or lists["names"])[0].strip("=*").replace(" .. ", " ")
    read = screen_text(f"{words} {'infer' if tongue == 'en' else 'ableiten'}", SCREEN)
    assert category in {**read.found, **read.doubtful}


REVEALING = {
    "https://forum.depression-hilfe.example/users/anna": "health",
    "https://example.org/StMary/congregation/members": "religion",
    "https://gewerkschaft.example/mitglieder": "union",
    "https://example.org/%67ay-dating/users": "sexuality",
    "https://xn--jdische-gemeinde-jzb.example/mitglieder": "religion",
    "https://register-of-offenders.example/?professor": "crime",
}


@pytest.mark.parametrize(("url", "category"), REVEALING.items())
def test_a_source_that_reveals_a_category_is_told_by_its_address(url: str, category: str) -> None:
    assert category in screen_source(url, SCREEN)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.aerztekammer-nord.example/arztsuche",
        "https://rugby-union.example/members",
        "https://churchstreet-architects.example/people",
        "https://university.example/faculty/theology/staff",
    ],
)
def test_an_ordinary_source_reveals_nothing_and_is_open(url: str) -> None:
    assert frozenset() == screen_source(url, SCREEN)
    assert source_is_open(url, SCREEN)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.spokeo.com/jane",
        "https://WWW.SPOKEO.COM./jane",
        "https://club.example/login?next=/members",
        "https://club.example/members-only/list",
        "https://leaked-data.example/dump",
        "https://verein.example/mitgliederbereich",
        # In an address within the address, and before a mirror of it.
        "https://viewer.example/?u=https://spokeo.com/jane",
        "https://viewer.example/?u=https%3A%2F%2Fspokeo.com%2Fjane",
        "https://web.archive.org/web/2026/https://www.spokeo.com/jane",
        "https://spokeo-com.translate.goog/jane",
        # The same business under another ending.
        "https://www.spokeo.co.uk/jane",
        "https://whitepages.example/jane",
        "https://pastebin.pl/view/1",
        # A login, in letters that are written twice over.
        "https://club.example/%6cogin",
        "https://club.example/%256cogin",
        "https://club.example/%25256cogin",
        # What everybody reads behind a login only.
        "https://www.linkedin.com/in/jane",
        "https://facebook.com/jane",
        "https://de-de.facebook.com/jane",
        "https://www.instagram.com/jane",
        "https://www.xing.com/profile/jane",
        "https://t.me/joinchat/1",
        # Nothing that is known everywhere.
        "https://10.0.0.5/list",
        "https://[::1]/list",
        "https://[2001:db8::1]/list",
        "https://127.0.0.1/list",
        "https://2130706433/list",
        "https://localhost/list",
        "https://intranet/list",
        "https://printer.local/list",
        "https://app.localhost/list",
        "https://box.lan/list",
        "https://3g2upl4pq6kufc4m.onion/list",
    ],
)
def test_a_guarded_source_is_not_open(url: str) -> None:
    assert not source_is_open(url, SCREEN)


def test_a_guarded_word_within_a_title_guards_nothing() -> None:
    assert source_is_open("https://blog.example/login-pages-that-work", SCREEN)


@pytest.mark.parametrize(
    "url",
    ["https://www.spokeo.com/jane", "https://m.facebook.com/jane", "https://user@spokeo.com:443/", "//spokeo.com."],
)
def test_a_host_that_nobody_may_take_evidence_from_is_told_wherever_it_stands(url: str) -> None:
    assert host_is_guarded(url, SCREEN)


@pytest.mark.parametrize(
    "url",
    [
        "https://northwind.example/privacy",
        "https://notspokeo.com/",
        "https://spokeo.com.shop.example/",
        "http://127.0.0.1:8080/privacy",
    ],
)
def test_any_other_host_is_not_guarded(url: str) -> None:
    assert not host_is_guarded(url, SCREEN)


@pytest.mark.parametrize(
    "channel",
    [
        "bought-list",
        "Bought list",
        "data-broker",
        "third_party",
        "third party",
        "3rd-party",
        "list rental",
        "inferred",
        "predicted",
        "leak",
        "scraped",
        "append",
        "b0ught-list",
        "gekaufte-liste",
        "Dritte",
        "adresshandel",
    ],
)
def test_a_channel_that_says_the_person_gave_nothing_is_refused(channel: str) -> None:
    assert channel_is_refused(channel, SCREEN)


@pytest.mark.parametrize(
    "channel",
    ["signup-form", "shop", "counter", "hotline", "newsletter form", "app", "trade fair", "Anmeldeformular", "Filiale"],
)
def test_a_channel_of_the_persons_own_is_not(channel: str) -> None:
    assert not channel_is_refused(channel, SCREEN)


@pytest.mark.parametrize("act", ["infer", "derive", "predict", "deduce"])
@pytest.mark.parametrize("topic", ["health", "health status", "state of health"])
def test_health_by_its_own_name_is_found_beside_an_act_that_draws_conclusions(act: str, topic: str) -> None:
    assert "health" in screen_text(f"We {act} the {topic} of our customers.", SCREEN).found


@pytest.mark.parametrize("text", ["Reply to health insurance customers.", "Answer customers of our health food shop."])
def test_health_alone_is_not_found(text: str) -> None:
    assert "health" not in screen_text(text, SCREEN).found


def test_a_text_of_eight_words_in_a_language_that_is_not_screened_is_doubtful() -> None:
    seven = "Saber quienes de nuestros clientes son musulmanes"
    assert UNREADABLE in screen_text(f"{seven} hoy", SCREEN).doubtful
    assert UNREADABLE not in screen_text(seven, SCREEN).doubtful
