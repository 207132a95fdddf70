"""``broker keys``: what an operator sees and does, while the broker goes on serving with the keys it finds."""

from __future__ import annotations

import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import a_registration, an_account, consented
from desk import OPERATOR, refusal, settle

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.register_client import register_client
from broker.cli import main
from broker.commands.opening import opened
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.core.identifiers import ProvenAccount
from broker.custody import open_folder
from broker.errors import BadConfiguration
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import issue_token, read_token
from broker.proof.manifest import AHEAD, SIGNING_USES, KeyEntry, State
from broker.proof.masters import read_masters
from broker.settings import read_settings
from broker.store.database import Database
from broker.store.people import find_person
from broker.store.sealing import SealBroken

OLD, NEW = (urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))
Said = Callable[..., str]


@pytest.fixture(scope="session")
def with_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up once, to be copied by every test that changes its keys."""
    home = tmp_path_factory.mktemp("broker-with-keys")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch, MARKS_DIR=str(home / "marks"))
        assert main(["init"]) == 0
    return home


@pytest.fixture
def own(with_keys: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a broker of the test's own, whose next keys have been published for long enough."""
    assert home != with_keys
    shutil.copytree(with_keys, tmp_path / "own")
    settle(tmp_path / "own", monkeypatch, MARKS_DIR=str(tmp_path / "own" / "marks"))
    folder = open_folder(read_settings())
    folder.save(folder.manifest().having(map(aged, folder.manifest().entries)))
    return tmp_path / "own"


def aged(entry: KeyEntry) -> KeyEntry:
    """A key that is older by as long as a next one waits."""
    return replace(entry, since={state: moment - AHEAD for state, moment in entry.since.items()})


@pytest.fixture
def serving(own: Path) -> Broker:
    """Give a broker that serves while keys are changed beside it."""
    assert own
    return opened()[1]


@pytest.fixture
def client(serving: Broker) -> Client:
    """Give a registered business."""
    with serving.database.transaction() as tx:
        return register_client(tx, serving, a_registration())


def a_consent(broker: Broker, client: Client, *account: ProvenAccount) -> ConsentRecord:
    """Let a person say yes; their choice takes the row of the linking with it."""
    record = consented(broker, client, *account)
    with broker.database.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM links")
    return record


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Type a command that must succeed, and return what it says."""

    def run(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        assert status == main(["keys", *words])
        return capsys.readouterr().out

    return run


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Type a command that is refused, and return why."""
    capsys.readouterr()
    assert main(["keys", *words]) == 1
    return refusal(capsys)


def test_the_list_has_a_line_a_key_and_says_which_cannot_be_rotated(serving: Broker, said: Said) -> None:
    lines = said("list").splitlines()
    assert 10 == len(lines)
    assert [
        f"{use:<9}   {number}  {state}" for use in SIGNING_USES for number, state in ((1, "active"), (2, "next"))
    ] == [
        line[: line.index("  2026")].rstrip() if "  2026" in line else line.partition("  20")[0].rstrip()
        for line in lines[:8]
    ]
    assert serving.keys.receipts.kid in lines[0]
    assert lines[8].startswith("blinding")
    assert (True, True) == (lines[8].endswith("cannot be rotated"), "under master key" in lines[9])


def test_all_that_sign_are_rotated_and_a_broker_that_serves_signs_with_them(serving: Broker, said: Said) -> None:
    following = {entry.use: entry.kid for entry in serving.keys.entries if entry.state is State.NEXT}
    lines = said("rotate").splitlines()
    assert [f"{use}: {following[use]} signs" for use in SIGNING_USES] == [line.partition(";")[0] for line in lines]
    assert (following["receipts"], following["tokens"]) == (serving.keys.receipts.kid, serving.keys.tokens.kid)
    assert serving.source.trouble() is None


def test_a_key_that_readers_may_not_know_waits_unless_told_not_to(
    serving: Broker, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    said("rotate", "receipts")
    before = serving.keys.receipts.kid
    for words in (["rotate", "receipts"], ["rotate"]):
        assert "the next key for receipts has been published since" in refused(capsys, *words)
    assert before == serving.keys.receipts.kid
    assert "some readers know no key for what is signed" in said("rotate", "receipts", "--now")
    assert before != serving.keys.receipts.kid


@pytest.mark.parametrize(
    ("use", "why"),
    [
        ("blinding", "the blinding key cannot be rotated: every row about a person is found by a digest under it"),
        ("storage", "a storage key goes with its master key: `broker keys rotate master`"),
        ("receipt", "keys are there for receipts, tokens, log, log_pq; there are none for receipt"),
    ],
)
@pytest.mark.usefixtures("own")
def test_what_cannot_be_rotated_is_refused_with_its_reason(
    use: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(capsys, "rotate", use)


# --- compromised ----------------------------------------------------------------------------------------------


def test_a_compromised_key_is_published_with_what_the_log_held_and_the_next_signs(
    serving: Broker, client: Client, said: Said
) -> None:
    a_consent(serving, client)
    keep_log(serving)
    kid = serving.keys.receipts.kid
    lines = said("compromised", "receipts", kid, "--why", "a laptop was stolen")
    with serving.database.reading() as tx:
        size = tx.exec_driver_sql("SELECT max(size) FROM checkpoints").scalar_one()
    assert size > 0
    assert f"one of the first {size} of the log" in lines
    (published,) = [jwk for jwk in serving.keys.jwks()["keys"] if jwk["kid"] == kid]
    assert (size, True) == (published["revoked"]["log_size"], serving.keys.receipts.kid != kid)
    (entry,) = [entry for entry in serving.keys.entries if entry.kid == kid]
    assert entry.revoked is not None
    assert ("a laptop was stolen", OPERATOR) == (entry.revoked.why, entry.revoked.by)
    assert "in other hands since" in said("list")


def test_what_the_log_held_is_reckoned_at_the_time_that_is_said(serving: Broker, client: Client, said: Said) -> None:
    a_consent(serving, client)
    keep_log(serving)
    before = serving.now() - timedelta(minutes=1)
    said("compromised", "receipts", serving.keys.receipts.kid, "--why", "stolen", "--at", before.isoformat())
    assert [0] == [jwk["revoked"]["log_size"] for jwk in serving.keys.jwks()["keys"] if "revoked" in jwk]


def test_a_token_of_a_compromised_key_is_refused_at_once_and_of_a_retired_one_taken(
    serving: Broker, client: Client, said: Said
) -> None:
    def issued() -> str:
        answer = issue_token(serving, client=OAuthClient(client), scope="match", token_id="t", user=None)
        return str(answer["access_token"])

    first, kid = issued(), serving.keys.tokens.kid
    said("rotate", "tokens")
    second = issued()
    assert read_token(serving, first) is not None
    assert "is refused from now on" in said("compromised", "tokens", kid, "--why", "stolen")
    assert (True, False) == (read_token(serving, first) is None, read_token(serving, second) is None)


@pytest.mark.parametrize("use", ["log", "log_pq"])
def test_a_compromised_key_of_the_log_is_left_out_of_the_verifier_keys(serving: Broker, said: Said, use: str) -> None:
    before = serving.log.vkeys
    number = 0 if use == "log" else 2
    (kid,) = [entry.kid for entry in serving.keys.entries if entry.use == use and entry.state is State.ACTIVE]
    said("compromised", use, kid, "--why", "stolen")
    assert (4, False) == (len(serving.log.vkeys), before[number] in serving.log.vkeys)
    assert {signer.vkey for signer in serving.log.signers} <= set(serving.log.vkeys)


def test_a_time_to_come_and_a_key_of_nobody_are_refused(serving: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    kid = serving.keys.receipts.kid
    to_come = (serving.now() + timedelta(hours=1)).isoformat()
    assert "--at lies in the future" in refused(capsys, "compromised", "receipts", kid, "--why", "x", "--at", to_come)
    assert f"there is no key {kid} for tokens" in refused(capsys, "compromised", "tokens", kid, "--why", "x")


@pytest.mark.parametrize(
    "words",
    [
        ["compromised", "receipts", "kid"],
        ["compromised", "blinding", "kid", "--why", "x"],
        ["compromised", "receipts", "kid", "--why", " "],
        ["compromised", "receipts", "kid", "--why", "x", "--at", "yesterday"],
        ["compromised", "receipts", "kid", "--why", "x", "--at", "2026-11-23T12:00:00"],
        ["destroy", "one"],
        ["destroy"],
    ],
)
def test_what_is_no_command_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["keys", *words])
    assert "usage: broker keys" in capsys.readouterr().err


# --- epochs ---------------------------------------------------------------------------------------------------


def test_under_a_new_master_key_everything_opens_and_the_old_one_is_destroyed_with_its_epoch(
    own: Path, serving: Broker, client: Client, said: Said
) -> None:
    account = a_consent(serving, client).account
    shutil.copytree(own, own.parent / "backup")
    assert re.search(
        r"made  master key \S{16}.*made  storage epoch 2.*moved \d+ rows", said("rotate", "master"), re.DOTALL
    )
    assert 2 == len(read_masters(own / "keys" / "master.key"))
    assert re.search(
        r"destroyed.*taken out of .*master\.key.*Destroy every other copy", said("destroy", "1"), re.DOTALL
    )
    assert 1 == len(read_masters(own / "keys" / "master.key"))
    assert {2} == serving.keys.storage.keys()
    with serving.database.reading() as tx:
        assert find_person(tx, serving.sealer, account) is not None
    assert "is destroyed" in said("destroy", "1")


def test_a_backup_from_before_opens_for_nobody_after_its_epoch_is_destroyed(
    own: Path, serving: Broker, client: Client, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with the keys of today nor with the key files of then, since their master key is gone."""
    account = a_consent(serving, client).account
    serving.database.close()
    backup = own.parent / "backup"
    shutil.copytree(own, backup)
    said("rotate", "master")
    said("destroy", "1")
    then = Database(f"sqlite:///{backup}/data/broker.db")
    with then.reading() as tx, pytest.raises(SealBroken, match="of storage epoch 1, whose key is not here"):
        find_person(tx, serving.sealer, account)
    then.close()
    shutil.copy(own / "keys" / "master.key", backup / "keys" / "master.key")
    settle(backup, monkeypatch)
    with pytest.raises(BadConfiguration, match="does not open under this master key"):
        opened()


def test_an_epoch_that_rows_need_is_not_destroyed(
    own: Path, serving: Broker, client: Client, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    a_consent(serving, client)
    old = serving.sealer
    said("rotate", "master")
    a_consent(serving, client, an_account("77", "late"))
    with serving.database.transaction() as tx:
        row = tx.exec_driver_sql("SELECT account, wrapped_key FROM people LIMIT 1").one()
        place = f"people.wrapped_key:{row.account.hex()}"
        late = old.seal(serving.sealer.open(row.wrapped_key, place=place), place=place)
        tx.exec_driver_sql("UPDATE people SET wrapped_key = ? WHERE account = ?", (late, row.account))
    assert "storage epoch 1 still seals rows (1 in people.wrapped_key)" in refused(capsys, "destroy", "1")
    assert "moved 1 rows to storage epoch 2" in said("rotate", "master")
    assert 2 == len(read_masters(own / "keys" / "master.key"))
    assert "is destroyed" in said("destroy", "1")


@pytest.mark.parametrize(("epoch", "why"), [("1", "storage epoch 1 is in use"), ("9", "there is no storage epoch 9")])
@pytest.mark.usefixtures("own")
def test_an_epoch_in_use_or_of_nobody_is_not_destroyed(
    epoch: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(capsys, "destroy", epoch)


def test_an_epoch_is_not_destroyed_while_somebody_links_under_it_and_is_when_that_is_over(
    serving: Broker, client: Client, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    consented(serving, client)
    said("rotate", "master")
    assert "1 in links.sealed_attempt" in refused(capsys, "destroy", "1")
    with serving.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE links SET expires_at = '2020-01-01 00:00:00.000000'")
    assert "is destroyed" in said("destroy", "1")


def test_rows_that_do_not_open_are_told(serving: Broker, client: Client, said: Said) -> None:
    a_consent(serving, client)
    with serving.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE receipts SET sealed_jwt = CAST(x'0001' || zeroblob(60) AS BLOB)")
    assert "FAIL  1 rows do not open; `broker audit` names them" in said("rotate", "master", status=1)


def test_a_master_key_from_the_environment_is_not_made_but_asked_for(
    own: Path, said: Said, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(own / "keys")
    marks = str(own / "marks")
    settle(own, monkeypatch, MASTER_KEY=OLD, MARKS_DIR=marks)
    assert main(["init"]) == 0
    assert "BROKER_MASTER_KEY after a blank, the newest last" in refused(capsys, "rotate", "master")
    settle(own, monkeypatch, MASTER_KEY=f"{OLD} {NEW}", MARKS_DIR=marks)
    assert "made  storage epoch 2" in said("rotate", "master")
    assert "Destroy every other copy of master key" in said("destroy", "1")
    settle(own, monkeypatch, MASTER_KEY=NEW, MARKS_DIR=marks)
    assert {2} == opened()[1].keys.storage.keys()
    assert "newest master key is in use already" in refused(capsys, "rotate", "master")


def test_a_second_epoch_under_one_master_key_keeps_it(own: Path, said: Said) -> None:
    """Rotated twice, destroyed once: the key in the middle is needed by the epoch in the middle."""
    said("rotate", "master")
    said("rotate", "master")
    said("destroy", "1")
    assert 2 == len(read_masters(own / "keys" / "master.key"))
    said("destroy", "2")
    assert 1 == len(read_masters(own / "keys" / "master.key"))
