"""The steps that many tests begin with: an address, a request, a notice, a code, a consent."""

import pytest
from harness import wire
from harness.browser import Page
from harness.business import Asked, Business, person_email
from harness.person import Linked, Person


@pytest.fixture
def email() -> str:
    """Give an address of this test's own."""
    return wire.fresh_email()


@pytest.fixture
def asked(business: Business, email: str) -> Asked:
    """Push a request about that address."""
    return business.par(details=business.details(identifier=person_email(email)))


@pytest.fixture
def notice(business: Business, person: Person, asked: Asked) -> Page:
    """Stand before the notice."""
    return person.to_notice(business, asked)


@pytest.fixture
def code(business: Business, person: Person, asked: Asked) -> str:
    """Walk the way to a code."""
    return person.code(business, asked)


@pytest.fixture
def linked(business: Business, person: Person) -> Linked:
    """Give a consent for customer care and fetch its token."""
    return person.consents(business)
