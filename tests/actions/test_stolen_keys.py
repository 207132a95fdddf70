"""After a theft of keys: a thief can write any date, and not a place in the log; what was there before still holds."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import Clock, a_broker, a_key_folder, a_pen, consented, registered
from sqlalchemy import text as sql
from watched import WatchedDatabase

from broker.actions.broker import Broker, Log
from broker.actions.bundle_evidence import bundle_for_client
from broker.actions.keep_log import keep_log
from broker.proof.bundle import Bundle
from broker.proof.checkpoint import read_vkeys
from broker.proof.highwater import first_high_water
from broker.proof.keyfiles import open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keyring import LiveKeys
from broker.proof.manifest import AHEAD, Revocation, State
from broker.proof.rotation import compromise, rotate
from broker.proof.sdjwt import SdJwt, parse, payload_of
from broker.proof.verify import Verdict, verify_evidence
from broker.store.database import Database
from broker.store.log import size_published
from broker.store.migrating import migrate


class Scene:
    """A broker with keys of its own, a business, and a receipt that is in its log."""

    def __init__(self, home: Path, database: Database) -> None:
        self.clock, self.folder = Clock(), a_key_folder(home, random=os.urandom)
        create_keys(self.folder, now=self.clock(), beside=lambda: first_high_water(home / "marks"))
        source = LiveKeys(self.folder.path, lambda: open_ring(self.folder))
        log = Log(origin="consent.example/log", source=source, marks=home / "marks", now=self.clock)
        self.broker: Broker = replace(a_broker(database, clock=self.clock), source=source, log=log)
        self.client = registered(self.broker)
        self.stolen = source.current()
        self.genuine = self.receipt()
        self.receipt_id = str(payload_of(parse(self.genuine.evidence).jwt)["jti"])

    def receipt(self) -> Bundle:
        """Let somebody consent, and return the business's bundle once the log holds it."""
        record = consented(self.broker, self.client)
        keep_log(self.broker)
        return self.bundle(record.receipt_id)

    def bundle(self, receipt_id: str) -> Bundle:
        """The bundle of a receipt as it is now."""
        with self.broker.database.reading() as tx:
            return bundle_for_client(tx, self.broker, client_id=self.client.client_id, receipt_id=receipt_id)

    def compromised(self, use: str, *, ago: timedelta = timedelta(0)) -> None:
        """Say that the key of a use is in other hands since then."""
        self.clock.passes(minutes=10)
        at, kid = self.clock() - ago, self.folder.manifest().one(use, State.ACTIVE).kid
        with self.broker.database.reading() as tx:
            size = size_published(tx, at, key=self.broker.database.row_key)
        revocation = Revocation(at=at, log_size=size, why="stolen", by="jane")
        compromise(self.folder, use, kid, revocation=revocation, now=self.clock())

    def judged(self, text: object) -> Verdict:
        """Check evidence with what the broker publishes now."""
        vkeys = read_vkeys("\n".join(self.broker.log.vkeys))
        return verify_evidence(str(text), jwks=self.broker.keys.jwks(), vkeys=vkeys)

    def forged(self) -> SdJwt:
        """What a thief makes of the genuine receipt: another client's, a year older, signed with the stolen key."""
        genuine = parse(self.genuine.evidence)
        payload = json.loads(json.dumps(payload_of(genuine.jwt)).replace("2026-11-23T", "2025-11-23T"))
        long_ago = int((self.clock() - timedelta(days=365)).replace(minute=0).timestamp())
        payload.update(iat=long_ago, nbf=long_ago)
        head = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        return replace(genuine, jwt=self.stolen.receipts.sign(head, typ="consent-receipt+sd-jwt"))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once, to be copied."""
    file = tmp_path_factory.mktemp("stolen") / "broker.db"
    database = Database(f"sqlite:///{file}", pen=a_pen())
    migrate(database)
    database.close()
    return file


@pytest.fixture
def scene(migrated: Path, tmp_path: Path) -> Scene:
    """Give a scene of the test's own."""
    (tmp_path / "own.db").write_bytes(migrated.read_bytes())
    return Scene(tmp_path, WatchedDatabase(f"sqlite:///{tmp_path / 'own.db'}", pen=a_pen()))


def test_a_forgery_would_hold_as_long_as_nobody_knows_of_the_theft(scene: Scene) -> None:
    """That the forgery is a good one: nothing but what is known of the key tells it from a receipt."""
    assert scene.judged(scene.forged()).anchored


def test_a_back_dated_forgery_is_nothing_once_the_theft_is_known(scene: Scene) -> None:
    forged = str(scene.forged())
    scene.compromised("receipts")
    for text in (forged, Bundle(evidence=forged, proof=None)):
        verdict = scene.judged(text)
        assert ("key", False) == (verdict.steps[-1].name, verdict.anchored)
    borrowed = scene.judged(replace(scene.genuine, evidence=forged))
    assert ("inclusion", False) == (borrowed.steps[-1].name, borrowed.anchored)


def test_what_the_log_held_before_the_theft_still_holds(scene: Scene) -> None:
    scene.compromised("receipts")
    for bundle in (scene.genuine, scene.bundle(scene.receipt_id)):
        verdict = scene.judged(bundle)
        assert (True, True) == (verdict.anchored, verdict.logged)


def test_what_the_log_took_in_after_the_theft_counts_no_more(scene: Scene) -> None:
    """Stolen an hour ago: what was signed since may be the thief's, wherever it lies."""
    scene.clock.passes(hours=1)
    later = scene.receipt()
    scene.compromised("receipts", ago=timedelta(minutes=30))
    assert (True, "inclusion") == (scene.judged(scene.genuine).anchored, scene.judged(later).steps[-1].name)


def test_receipts_of_the_key_that_took_over_need_no_log(scene: Scene) -> None:
    scene.compromised("receipts")
    bundle = scene.receipt()
    assert (True, True) == (scene.judged(bundle).anchored, scene.judged(bundle.evidence).anchored)


@pytest.mark.parametrize("use", ["log", "log_pq"])
def test_an_old_bundle_holds_by_the_other_signature_of_its_checkpoint(scene: Scene, use: str) -> None:
    scene.compromised(use)
    verdict = scene.judged(scene.genuine)
    assert (True, True) == (verdict.anchored, verdict.logged)
    assert "signed with 1 of your keys" in verdict.steps[-1].detail


def test_with_both_keys_of_the_log_stolen_an_old_bundle_is_fetched_anew(scene: Scene) -> None:
    scene.compromised("log")
    scene.compromised("log_pq")
    assert ("checkpoint", False) == (scene.judged(scene.genuine).steps[-1].name, scene.judged(scene.genuine).logged)
    keep_log(scene.broker)
    verdict = scene.judged(scene.bundle(scene.receipt_id))
    assert (True, True) == (verdict.anchored, verdict.logged)


def test_bundles_hold_after_every_key_was_rotated_and_the_head_is_signed_anew(scene: Scene) -> None:
    scene.clock.now += AHEAD
    rotate(scene.folder, ["receipts", "log", "log_pq"], now=scene.clock())
    keep_log(scene.broker)
    anew = scene.bundle(scene.receipt_id)
    assert anew.proof is not None
    assert scene.genuine.proof is not None
    assert anew.proof.checkpoint == scene.genuine.proof.checkpoint
    assert {str(line) for line in anew.proof.note.lines}.isdisjoint(
        str(line) for line in scene.genuine.proof.note.lines
    )
    for bundle in (anew, scene.genuine):
        assert "signed with 2 of your keys" in scene.judged(bundle).steps[-1].detail


def test_keys_that_ride_along_say_which_are_compromised(scene: Scene) -> None:
    scene.compromised("receipts")
    assert scene.broker.keys.jwks() == scene.bundle(scene.receipt_id).jwks


def test_who_writes_into_the_checkpoints_does_not_decide_how_much_a_stolen_key_counts_for(scene: Scene) -> None:
    """The time of a checkpoint's publishing is signed by nobody; its row's MAC is all there is."""
    lost_at, key = scene.clock(), scene.broker.database.row_key
    with scene.broker.database.reading() as tx:
        size = size_published(tx, lost_at, key=key)
    scene.clock.passes(minutes=10)
    scene.receipt()
    with scene.broker.database.engine.begin() as tx:
        tx.execute(sql("UPDATE checkpoints SET published_at = '2020-01-01 00:00:00.000000'"))
        invented = sql("INSERT INTO checkpoints (size, note, published_at, mac) VALUES (:size, 'n', :at, :mac)")
        tx.execute(invented, {"size": 10**9, "at": "2020-01-01 00:00:00.000000", "mac": b"m" * 32})
    with scene.broker.database.reading() as tx:
        assert size_published(tx, lost_at, key=key) <= size
