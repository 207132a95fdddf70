"""Entries of status lists that are older than the lists: after the migration they say what new ones say."""

from __future__ import annotations

from alembic import command
from builders import an_identifier, consented, refused, registered
from sqlalchemy import select, update

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.consent import ConsentStatus
from broker.store.columns import metadata
from broker.store.migrating import _config, migrate

ENTRIES, RECEIPTS = metadata.tables["status_entries"], metadata.tables["receipts"]


def entries(broker: Broker) -> list[tuple[object, ...]]:
    """Read every entry but for its MAC."""
    with broker.database.reading() as tx:
        rows = tx.execute(select(*(column for column in ENTRIES.columns if column.name != "mac"))).all()
    return sorted(tuple(row) for row in rows)


def back(broker: Broker) -> None:
    """Bring the rows to the release before, as that one wrote them: valid, unless a consent had ended."""
    with broker.database.engine.begin() as connection:
        of_none = select(RECEIPTS.c.status_index).where(RECEIPTS.c.status != ConsentStatus.GIVEN.value)
        connection.execute(update(ENTRIES).where(ENTRIES.c.position.in_(of_none)).values(value=0))
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")


def test_entries_of_the_release_before_learn_whose_they_are_and_until_when(own_broker: Broker) -> None:
    client = registered(own_broker)
    consented(own_broker, client)
    ended = consented(own_broker, client, identifier=an_identifier("another@mailbox.example"))
    with own_broker.database.transaction() as tx:
        withdraw_consent(tx, own_broker, account=ended.account, grant_id=ended.grant_id)
    refused(own_broker, client, identifier=an_identifier("third@mailbox.example"))
    before = entries(own_broker)
    back(own_broker)
    migrate(own_broker.database)
    assert before == entries(own_broker)
    assert [0, 1, 1, 1] == sorted(row[2] for row in before)  # type: ignore[type-var]
