"""A notice that lies open while its meaning changes: what nobody read, nobody consented to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from machines.scene import ACCOUNTS, HANDLES, IDENTIFIERS
from machines.stage import Stage, Visitor, _csrf, client_file, open_database
from raw_rows import all_rows

from broker.app import create_app
from broker.core.notice import Meanings


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a broker in this process."""
    database = open_database(tmp_path / "notice.db")
    yield Stage(database)
    database.close()


@pytest.mark.parametrize(
    ("meanings", "status"),
    [(Meanings(purposes={"customer-care": 2}), 403), (Meanings(notice=2), 403), (None, 303)],
    ids=["of the purpose", "of the notice", "of nothing"],
)
def test_a_yes_to_what_meant_something_else_when_it_was_read_is_none(
    stage: Stage, meanings: Meanings | None, status: int
) -> None:
    members = {"owner": "Northwind", "purposes": ["customer-care"], "agreements": {}}
    business = stage.register(**client_file("Northwind Bikes", **members))
    visitor = Visitor(stage, ACCOUNTS[0], lambda: HANDLES[0])
    pushed = business.push(IDENTIFIERS["email"], ("customer-care",), days=30).json["request_uri"]
    query = urlencode({"client_id": business.client.client_id, "request_uri": pushed})
    notice = visitor._signs_in(visitor._get(f"/oauth/authorize?{query}")).location  # noqa: SLF001
    csrf = _csrf(visitor._get(notice).text)  # noqa: SLF001
    known = stage.broker.policies
    later = replace(stage.broker, policies=replace(known, meanings=meanings or known.meanings))
    visitor.wsgi.application = create_app(later)
    answer = visitor._post(notice, csrf=csrf, choice="allow", purpose="customer-care")  # noqa: SLF001
    assert status == answer.status_code
    with stage.broker.database.reading() as tx:
        assert (status == 303) == bool(all_rows(tx)["consents"])
    if status == 403:
        again = visitor._post(notice, csrf=_csrf(visitor._get(notice).text), choice="allow", purpose="customer-care")  # noqa: SLF001
        assert 303 == again.status_code
