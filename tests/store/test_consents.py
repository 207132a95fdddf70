from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, all_at_once, an_id, undone

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Association, OffPlatformId
from broker.errors import Unavailable
from broker.store.consents import (
    Details,
    consents_of_pair,
    details_of,
    end_consent,
    find_consent,
    list_consents,
    save_consent,
    save_refusal,
)
from broker.store.database import Database
from broker.store.sealing import SealBroken, Sealer
from broker.store.tables import AssociationRow, ConsentRow, RefusalRow

GRANT, LATER, ANOTHER = an_id("grant"), an_id("later"), an_id("another")
RECORD = ConsentRecord(
    grant_id=GRANT,
    client_id="northwind",
    account=b"a" * 16,
    identifier=OffPlatformId(kind="person", type="email", digest=b"i" * 16),
    purposes=("customer-care", "newsletter"),
    status=ConsentStatus.GIVEN,
    given_at=NOON,
    valid_until=NOON + timedelta(days=365),
    receipt_id="a receipt",
    brand="Northwind Kids",
)
DETAILS = Details(
    identifier={"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"},
    masked="j•••@mailbox.example",
    handle="JaneCanary",
    locale="de",
)
PAIR = Association(client_id="northwind", account=RECORD.account, identifier=RECORD.identifier.digest)


@pytest.fixture
def person(store: Sealer) -> Sealer:
    """Give a person's own sealer."""
    return store.new_key(place="a person")[0]


def save(database: Database, person: Sealer, *records: ConsentRecord) -> None:
    """Keep consents, all in one transaction."""
    with database.transaction() as tx:
        for record in records:
            save_consent(tx, record, DETAILS, sealer=person)


def associations(database: Database) -> list[str]:
    """Name the grants that an association stands for."""
    with database.transaction() as tx:
        return sorted(row.grant_id for row in tx.execute(AssociationRow.__table__.select()))  # type: ignore[attr-defined]


def test_a_consent_is_found_as_it_was_saved(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    with database.transaction() as tx:
        assert RECORD == find_consent(tx, RECORD.account, GRANT)
        assert DETAILS == details_of(tx, RECORD, sealer=person)
        assert (RECORD,) == consents_of_pair(tx, PAIR)
        assert [RECORD] == list_consents(tx, RECORD.account)


def test_no_other_name_finds_it(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    with database.transaction() as tx:
        assert find_consent(tx, b"b" * 16, GRANT) is None
        assert find_consent(tx, RECORD.account, ANOTHER) is None
        assert [] == list_consents(tx, b"b" * 16)
        for name, other in (("client_id", "contoso"), ("account", b"b" * 16), ("identifier", b"j" * 16)):
            assert () == consents_of_pair(tx, replace(PAIR, **{name: other}))


def test_a_pair_may_have_several_consents_and_each_ends_alone(database: Database, person: Sealer) -> None:
    later = replace(RECORD, grant_id=LATER, receipt_id="r2", given_at=NOON + timedelta(days=1))
    save(database, person, RECORD, later)
    with database.transaction() as tx:
        assert [later, RECORD] == list_consents(tx, RECORD.account)
        assert end_consent(tx, RECORD.ended(ConsentStatus.WITHDRAWN, at=NOON, by="page:consents"))
    with database.transaction() as tx:
        standing = {record.grant_id: (record.status, record.associated) for record in consents_of_pair(tx, PAIR)}
    assert {
        GRANT: (ConsentStatus.WITHDRAWN, False),
        LATER: (ConsentStatus.GIVEN, True),
    } == standing


def test_one_grant_cannot_be_saved_twice(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    with pytest.raises(Unavailable):
        save(database, person, replace(RECORD, client_id="contoso"))
    assert [GRANT] == associations(database)


def test_a_consent_brings_its_association_and_takes_it_away(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    assert [GRANT] == associations(database)
    with database.transaction() as tx:
        assert end_consent(tx, RECORD.ended(ConsentStatus.REVOKED, at=NOON, by="api:grants"))
    assert [] == associations(database)


def test_a_consent_whose_association_is_missing_says_so(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    with database.transaction() as tx:
        tx.execute(AssociationRow.__table__.delete())  # type: ignore[attr-defined]
        assert (replace(RECORD, associated=False),) == consents_of_pair(tx, PAIR)


def test_a_consent_ends_once_and_the_first_end_stands(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    ends = [
        (ConsentStatus.WITHDRAWN, NOON, "page:consents"),
        (ConsentStatus.REVOKED, NOON + timedelta(days=1), "api:grants"),
    ]
    with database.transaction() as tx:
        assert [True, False] == [end_consent(tx, RECORD.ended(status, at=at, by=by)) for status, at, by in ends]
        found = find_consent(tx, RECORD.account, GRANT)
    assert RECORD.ended(ConsentStatus.WITHDRAWN, at=NOON, by="page:consents") == found


def test_of_many_ends_at_once_one_counts(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)

    def end(number: int) -> bool:
        status = (ConsentStatus.WITHDRAWN, ConsentStatus.REVOKED)[number % 2]
        with database.transaction() as tx:
            return end_consent(tx, RECORD.ended(status, at=NOON, by="page:consents"))

    assert 1 == sum(all_at_once(8, end))
    assert [] == associations(database)


def test_an_end_that_was_undone_leaves_the_consent_as_it_was(database: Database, person: Sealer) -> None:
    save(database, person, RECORD)
    with undone(database) as tx:
        end_consent(tx, RECORD.ended(ConsentStatus.WITHDRAWN, at=NOON, by="page:consents"))
    with database.transaction() as tx:
        assert (RECORD,) == consents_of_pair(tx, PAIR)


def test_details_moved_to_another_grant_do_not_open(database: Database, person: Sealer) -> None:
    other = replace(RECORD, grant_id=ANOTHER, receipt_id="r2")
    save(database, person, RECORD, other)
    consents = ConsentRow.__table__  # type: ignore[attr-defined]
    with database.transaction() as tx:
        mine = tx.execute(consents.select().where(consents.c.grant_id == GRANT)).one().sealed_details
        tx.execute(consents.update().where(consents.c.grant_id == ANOTHER).values(sealed_details=mine))
    with database.transaction() as tx, pytest.raises(SealBroken):
        details_of(tx, other, sealer=person)


def refuse(database: Database, receipt_id: str, *, days: int = 0) -> bool:
    """Note a refusal of one pair, in a transaction of its own."""
    with database.transaction() as tx:
        save_refusal(tx, b"a" * 16, b"p" * 16, receipt_id=receipt_id, now=NOON + timedelta(days=days))
    return True


def test_a_pair_refused_again_is_remembered_by_the_latest_time(database: Database) -> None:
    refuse(database, "first")
    refuse(database, "second", days=1)
    with database.transaction() as tx:
        row = tx.execute(RefusalRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert ("second", NOON + timedelta(days=1)) == (row.receipt_id, row.refused_at)


def test_refusals_of_one_pair_at_once_all_count_and_one_is_kept(database: Database) -> None:
    assert [True] * 8 == all_at_once(8, lambda number: refuse(database, f"receipt {number}"))
    with database.transaction() as tx:
        assert 1 == len(tx.execute(RefusalRow.__table__.select()).all())  # type: ignore[attr-defined]
