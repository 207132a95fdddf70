"""What has an id on the wire has words on the pages."""

import pytest
from flask import Flask

from broker.core.consent import ConsentStatus
from broker.core.identifiers import KINDS
from broker.core.purposes import PURPOSES
from broker.errors import BrokerError
from broker.proof.verify import LOG_STEPS, STEPS
from broker.web import wording
from broker.web.languages import speak


@pytest.fixture
def german() -> Flask:
    """Give an application that speaks."""
    app = Flask(__name__)
    speak(app)
    return app


def test_every_purpose_has_a_name_and_says_what_it_allows(german: Flask) -> None:
    assert PURPOSES.keys() == wording.PURPOSES.keys()
    with german.test_request_context():
        spoken = {key: [str(text) for text in texts] for key, texts in wording.PURPOSES.items()}
    assert [] == [key for key, (title, explanation) in spoken.items() if not title or not explanation.endswith(".")]
    assert len(spoken) == len({title for title, _ in spoken.values()})


def test_every_type_of_identifier_has_a_name() -> None:
    assert {type_ for types in KINDS.values() for type_ in types} == wording.IDENTIFIER_TYPES.keys()


def test_every_status_that_a_person_meets_has_a_name() -> None:
    assert {status.value for status in ConsentStatus} - {"requested"} == wording.STATUSES.keys()


def test_an_end_says_how_it_came_where_its_status_does_not(german: Flask) -> None:
    with german.test_request_context():
        told = [wording.ending("withdrawn", by) for by in (None, "page:consents", "link:receipt")]
    assert ["Withdrawn by you"] * 2 == told[:2]
    assert "Withdrawn by the link in the receipt" == told[2]


def test_every_step_of_a_check_is_told_in_plain_words() -> None:
    assert {*STEPS, *LOG_STEPS} == wording.STEPS.keys()


def kinds(parent: type[BrokerError]) -> set[str]:
    """Return the problem types of a failure and of those below it."""
    return {parent.type}.union(*(kinds(child) for child in parent.__subclasses__()))


def test_every_failure_that_is_worded_exists() -> None:
    assert set() == wording.FAILURES.keys() - kinds(BrokerError)


def test_a_failure_has_a_heading_in_the_pages_language(german: Flask) -> None:
    with german.test_request_context(headers={"Accept-Language": "de"}):
        headings = {kind: wording.failure_title(kind) for kind in [*wording.FAILURES, "something new"]}
    assert len(headings) == len({*headings.values()})
    assert [] == [heading for heading in headings.values() if heading in {str(it) for it in ("", "something new")}]


def test_a_purpose_is_named_in_the_pages_language(german: Flask) -> None:
    names = []
    for tag in ("en", "de"):
        with german.test_request_context(headers={"Accept-Language": tag}):
            names.append(wording.purpose_title("customer-care"))
    assert "Customer care" == names[0]
    assert names[0] != names[1]
