"""SENSITIVE, MEASURE, SURVEILLANCE and APPLICATION, sentence by sentence: what an application may be for."""

from __future__ import annotations

from builders import a_source, a_tag
from policies.table_of_matching import citing
from policies.world import (
    PURPOSES,
    Act,
    Row,
    asks,
    asks_consent,
    calls,
    consent_would_not_help,
    consents,
    is_suspended,
    names,
    offers,
    people_are_asked_about,
    registers,
    reports,
    row,
    shows_a_notice,
)

from broker.core.evidence import Provenance

PROHIBITED, REFUSED = "purpose_prohibited", "refused-by-terms"

#: Each category of SENSITIVE-1: a statement of use in English, one in German, a name for a purpose, and a source.
SENSITIVE = {
    "health": (
        "We predict which customers are pregnant.",
        "Wir erkennen, wer schwanger ist.",
        "illness-prediction",
        "https://clinic.example/forum/jane",
    ),
    "financial": (
        "We detect customers who are in debt.",
        "Wir schätzen ein, wer verschuldet ist.",
        "debt-detection",
        "https://insolvency.example/list/jane",
    ),
    "politics": (
        "We infer the political views of customers.",
        "Wir ermitteln die politische Haltung unserer Kunden.",
        "political-leaning-prediction",
        "https://party.example/political/donors",
    ),
    "ethnicity": (
        "We guess the ethnic origin of customers from their names.",
        "Wir schließen auf die Herkunft unserer Kunden.",
        "ethnic-origin-prediction",
        "https://diaspora.example/members",
    ),
    "religion": (
        "We classify customers by their religion.",
        "Wir leiten die Religion unserer Kunden ab.",
        "religion-classifier",
        "https://parish.example/church/members",
    ),
    "sexuality": (
        "We infer the sexual orientation of customers.",
        "Wir erkennen, wer homosexuell ist.",
        "sexual-orientation-prediction",
        "https://pride.example/lgbt/list",
    ),
    "union": (
        "We find out who is a member of a trade union.",
        "Wir stellen fest, wer in der Gewerkschaft ist: Gewerkschaftsmitglieder erkennen.",
        "union-member-detection",
        "https://union.example/members",
    ),
    "crime": (
        "We flag customers who have a criminal record.",
        "Wir ermitteln, wer vorbestraft ist.",
        "criminal-record-flag",
        "https://mugshots.example/arrests/jane",
    ),
}

#: Each use that is prohibited: its clause, its purposes, and a statement in English and in German that speaks of it.
USES = {
    "MEASURE-1": (
        ("platform-benchmarking",),
        "We benchmark the platform against a competing network.",
        "Wir analysieren die Nutzerzahlen der Plattform.",
        "platform-benchmark",
    ),
    "SURVEILLANCE-1": (
        ("surveillance",),
        "We keep certain people under covert surveillance.",
        "Wir bespitzeln Personen.",
        "covert-surveillance",
    ),
    "SURVEILLANCE-2": (
        ("event-monitoring",),
        "We send a protest alert to our customers and track users who attend.",
        "Wir analysieren, wo Demonstrationen stattfinden, und verfolgen Teilnehmer nach.",
        "protest-alert",
    ),
    "SURVEILLANCE-3": (
        ("group-tracking",),
        "We look for ringleaders.",
        "Wir erkennen Aktivisten und Bürgerinitiativen.",
        "ringleaders",
    ),
    "SURVEILLANCE-4": (
        ("background-check",),
        "We run a background check on every applicant.",
        "Wir machen eine Hintergrundprüfung bei Bewerbern.",
        "tenant-background-check",
    ),
    "SURVEILLANCE-5": (
        ("credit-risk", "insurance-risk"),
        "We use posts for credit scoring.",
        "Wir bewerten die Bonität unserer Kunden.",
        "creditworthiness",
    ),
    "SURVEILLANCE-6": (
        ("profiling",),
        "We build a personality profile of each customer.",
        "Wir erstellen ein Persönlichkeitsprofil jedes Kunden.",
        "big-five-personality",
    ),
    "SURVEILLANCE-7": (
        ("facial-recognition",),
        "We use facial recognition to greet visitors.",
        "Wir nutzen Gesichtserkennung am Eingang.",
        "face-recognition",
    ),
}


def own(name: str, under: str = "customer-care") -> Act:
    """Somebody registers a purpose of their own, under one of the vocabulary."""
    return registers(purposes=(name,), narrower={name: under})


def from_(url: str) -> Provenance:
    """Return a public tag with that address."""
    return citing(a_source("website", url=url))


def of_a_category(name: str) -> list[Row]:
    """Every place where a sensitive category is looked for."""
    english, german, purpose, url = SENSITIVE[name]
    id_, no = f"SENSITIVE-1.{name}", f"SENSITIVE-1.{name}: {REFUSED}"
    return [
        row(id_, "a statement of use", registers(use_case=english), answers=no),
        row(id_, "a statement of use in German", registers(use_case=german), answers=no),
        row(id_, "a brand's name", registers(brands=(english,)), answers=no),
        row(id_, "an application's name", registers(client_name=english), answers=no),
        row(id_, "a purpose of one's own", own(purpose), answers=no),
        row(id_, "a label of a record", names("other", "other", "7", purpose), answers=no),
        row(id_, "consent asked for it", asks_consent(purpose), answers=f"{id_}: invalid_authorization_details"),
        row(id_, "a notice about it", shows_a_notice(purpose), answers=no),
        row(id_, "a channel", offers(a_tag(channel=purpose.replace("-", " "))), answers=f"{id_}: {PROHIBITED}"),
        row(id_, "an expectation", offers(a_tag(expected_purposes=(purpose,))), answers=f"{id_}: {PROHIBITED}"),
        row(id_, "a match asked for it", consents(), asks(purpose), answers=f"{id_}: {PROHIBITED}"),
        row(id_, "a public source that shows it", offers(from_(url)), answers=f"{id_}: {PROHIBITED}"),
    ]


def of_a_use(id_: str) -> list[Row]:
    """Every place where a prohibited use is looked for."""
    purposes, english, german, name = USES[id_]
    no = f"{id_}: {REFUSED}"
    rows = [
        row(id_, "a statement of use", registers(use_case=english), answers=no),
        row(id_, "a statement of use in German", registers(use_case=german), answers=no),
        row(id_, "a purpose of one's own", own(name), answers=no),
        row(id_, "a label of a record", names("other", "other", "7", name), answers=no),
        row(id_, "consent asked for it", asks_consent(name), answers=f"{id_}: invalid_authorization_details"),
        row(id_, "a notice about it", shows_a_notice(name), answers=no),
        row(id_, "an expectation", offers(a_tag(expected_purposes=(name,))), answers=f"{id_}: {PROHIBITED}"),
        row(id_, "a match asked for it", asks(name), answers=f"{id_}: {PROHIBITED}"),
    ]
    return [*rows, *(line for purpose in purposes for line in of_a_purpose(id_, purpose))]


def of_a_purpose(id_: str, purpose: str) -> list[Row]:
    """Every place where a prohibited purpose may be named."""
    no, said = f"{id_}: {REFUSED}", f"{id_}: {PROHIBITED}"
    return [
        row(id_, f"{purpose} declared", registers(purposes=(purpose,)), answers=no),
        row(id_, f"{purpose} declared under another name", own("tea-leaves", purpose), answers=no),
        row(
            id_, f"consent asked for {purpose}", asks_consent(purpose), answers=f"{id_}: invalid_authorization_details"
        ),
        row(id_, f"a notice about {purpose}", shows_a_notice(purpose), answers=no),
        row(id_, f"{purpose} expected", offers(a_tag(expected_purposes=(purpose,))), answers=said),
        row(id_, f"a match asked for {purpose}", asks(purpose), answers=said),
        row(id_, f"even with consent, no match for {purpose}", consent_would_not_help(purpose), answers=said),
    ]


SENSITIVE_1 = [
    *(line for name in SENSITIVE for line in of_a_category(name)),
    *of_a_purpose("SENSITIVE-1", "sensitive-inference"),
    row(
        "SENSITIVE-1",
        "a topic by itself is held for an operator",
        registers(use_case="Reply to church members."),
        answers=": held",
    ),
    row(
        "SENSITIVE-1", "what speaks of nothing passes", registers(use_case="Answer who writes."), answers=": registered"
    ),
]

SENSITIVE_2 = [
    row(
        "SENSITIVE-2",
        "counts without personal data are fine",
        people_are_asked_about(20),
        reports(),
        answers=": no_basis 20",
    ),
    row(
        "SENSITIVE-2",
        "but not of fewer people than the cohort",
        people_are_asked_about(19),
        reports(),
        answers=f"SENSITIVE-2: {REFUSED}",
    ),
    row("SENSITIVE-2", "nor of nobody", reports(), answers=f"SENSITIVE-2: {REFUSED}"),
    row(
        "SENSITIVE-2",
        "nor of few people asked about often",
        *[people_are_asked_about(10)] * 3,
        reports(),
        answers=f"SENSITIVE-2: {REFUSED}",
    ),
    row(
        "SENSITIVE-2",
        "a line of few goes under in another",
        people_are_asked_about(21),
        people_are_asked_about(2, "newsletter"),
        reports(by="purpose"),
        answers=": other 23",
    ),
]

MEASURE_1 = [
    *of_a_use("MEASURE-1"),
    *(
        row(
            "MEASURE-1",
            f"no report of {what}",
            people_are_asked_about(20),
            reports(what),
            answers=f"MEASURE-1: {REFUSED}",
        )
        for what in ("users", "accounts", "posts", "engagement", "spam", "availability")
    ),
    row("MEASURE-1", "nor by it", reports(by="engagement"), answers=f"MEASURE-1: {REFUSED}"),
]

SURVEILLANCE = [
    *(line for id_ in USES if id_.startswith("SURVEILLANCE") for line in of_a_use(id_)),
    row(
        "SURVEILLANCE-8",
        "an application that is suspended is heard no more",
        is_suspended,
        calls,
        answers="SURVEILLANCE-8: stopped",
    ),
    row("SURVEILLANCE-8", "one that is not is heard", calls, answers=": heard"),
]

NAMED = {"use_case": "Send the news.", "purposes": ("newsletter",)}
APPLICATION = [
    row(
        "APPLICATION-1",
        "an owner's second use case",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(owner="Northwind", use_case="Send coupons.", purposes=("direct-marketing",)),
        answers=": registered",
    ),
    row(
        "APPLICATION-1",
        "not the same one again",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(owner="Northwind", purposes=("direct-marketing",)),
        answers=f"APPLICATION-1: {REFUSED}",
    ),
    row(
        "APPLICATION-1",
        "nor the same in other letters",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(
            owner="Northwind",
            use_case=" answer  customers on the platform they write from. ",
            purposes=("direct-marketing",),
        ),
        answers=f"APPLICATION-1: {REFUSED}",
    ),
    row(
        "APPLICATION-1",
        "nor one that overlaps in a purpose",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(owner="Northwind", **NAMED),
        answers=f"APPLICATION-1: {REFUSED}",
    ),
    row(
        "APPLICATION-1",
        "nor in one under it",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(
            owner="Northwind", use_case="Send the news.", purposes=("club-news",), narrower={"club-news": "newsletter"}
        ),
        answers=f"APPLICATION-1: {REFUSED}",
    ),
    row("APPLICATION-1", "another owner's is theirs", registers(**NAMED), answers=": registered"),
    row(
        "APPLICATION-1",
        "a white-label customer is a brand of the one application",
        registers(brands=("Southwind",)),
        answers=": registered",
    ),
    row(
        "APPLICATION-1",
        "it asks for what it declared",
        consents("direct-marketing"),
        asks("direct-marketing"),
        answers="APPLICATION-1: purpose_not_declared",
    ),
    row(
        "APPLICATION-1",
        "whether consent or a match",
        asks_consent("direct-marketing"),
        answers="APPLICATION-1: invalid_authorization_details",
    ),
    row(
        "APPLICATION-2",
        "the exception: an instance for each environment",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(owner="Northwind", environment="dev", client_name="Northwind (dev)"),
        answers=": registered",
    ),
    row(
        "APPLICATION-2",
        "each in its name",
        registers(owner="Northwind", purposes=PURPOSES),
        registers(owner="Northwind", environment="staging", client_name="Northwind staging"),
        answers=": registered",
    ),
    row(
        "APPLICATION-2",
        "a dev one without it",
        registers(environment="dev", client_name="Northwind"),
        answers=f"APPLICATION-2: {REFUSED}",
    ),
    row(
        "APPLICATION-2",
        "a staging one without it",
        registers(environment="staging", client_name="Northwind dev"),
        answers=f"APPLICATION-2: {REFUSED}",
    ),
    row(
        "APPLICATION-2",
        "within another word it does not show",
        registers(environment="dev", client_name="Device Store"),
        answers=f"APPLICATION-2: {REFUSED}",
    ),
]

ROWS: list[Row] = [*SENSITIVE_1, *SENSITIVE_2, *MEASURE_1, *SURVEILLANCE, *APPLICATION]
