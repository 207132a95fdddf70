"""Every policy document that was ever in force is kept, by the digest that decisions name."""

from __future__ import annotations

from dataclasses import replace

from builders import Clock, a_broker, the_policies

from broker.actions.keep_policies import keep_policies
from broker.policies import Policies, read_policy
from broker.proof.dossier import text_digest
from broker.store.database import Database
from broker.store.policy_texts import list_texts


def test_documents_are_kept_once_with_the_time_of_their_first_use(database: Database) -> None:
    clock = Clock()
    broker = a_broker(database, clock=clock)
    keep_policies(broker)
    begun = clock.now
    clock.passes(days=1)
    keep_policies(broker)
    shipped = the_policies().by_platform["x"]
    text = the_policies().texts[shipped.ref.digest].replace('version = "', 'version = "9-')
    changed = read_policy(text)
    keep_policies(replace(broker, policies=Policies({"x": changed}, {changed.ref.digest: text})))
    with database.reading() as tx:
        kept = list_texts(tx)
    assert {policy.ref for policy in the_policies().by_platform.values()} == {one.ref for one in kept[:-1]}
    assert (changed.ref, clock.now) == (kept[-1].ref, kept[-1].first_used_at)
    assert {begun} == {one.first_used_at for one in kept[:-1]}
    assert [one.ref.digest for one in kept] == [text_digest(one.text) for one in kept]
