"""The command: what it makes, what it prints, what it refuses, and with which status it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import REAL, refusal, same_logging, settle

from broker import __version__
from broker.cli import main


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what ``serve`` does to logging, which is for the life of its process."""
    with same_logging():
        yield


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the home of a broker that was never set up."""
    settle(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up once; tests that change it say so in their name or leave it as it was."""
    home = tmp_path_factory.mktemp("broker")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
    return home


@pytest.fixture
def home(set_up: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a broker that was set up."""
    settle(set_up, monkeypatch)
    return set_up


def test_init_makes_what_is_missing_and_keeps_what_is_there(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["init"])
    first = capsys.readouterr().out
    made = {path.name: path.read_bytes() for path in (empty / "keys").iterdir()}
    signing = [f"{use}-{number}.key" for use in ("receipts", "tokens", "log", "log_pq") for number in (1, 2)]
    assert {"master.key", "manifest.json", "blinding-1.key", "storage-1.key", *signing} == made.keys()
    assert 3 == first.count("made")
    assert 0 == main(["init"])
    assert 3 == capsys.readouterr().out.count("kept")
    assert made == {path.name: path.read_bytes() for path in (empty / "keys").iterdir()}


def test_init_makes_no_master_key_for_a_real_issuer(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(empty, monkeypatch, **REAL)
    assert 1 == main(["init"])
    assert "BROKER_MASTER_KEY or BROKER_MASTER_KEY_FILE must be set" in refusal(capsys)
    assert not (empty / "keys").exists()


COMMANDS = [
    [], ["init"], ["serve"], ["clients"], ["clients", "register"], ["clients", "list"], ["clients", "suspend"],
    ["clients", "resume"], ["clients", "show"], ["clients", "approve"], ["verify"], ["doctor"], ["policy"],
    ["policy", "check"], ["redistribute"], ["report"], ["erase"], ["keys"], ["keys", "list"], ["keys", "rotate"],
    ["keys", "compromised"], ["keys", "destroy"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(["broker", *command]) for command in COMMANDS])
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    said = capsys.readouterr().out
    assert f"usage: {' '.join(['broker', *command])}" in said
    assert 80 >= max(map(len, said.splitlines())), "wider than the narrowest terminal"


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert f"broker {__version__}\n" == capsys.readouterr().out


@pytest.mark.parametrize("command", [[], ["match"], ["clients"], ["clients", "suspend", "a"], ["serve", "--port", "x"]])
def test_what_is_no_command_ends_with_2(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(command)
    assert "usage: broker" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["clients", "list"], ["serve"]])
def test_nothing_is_done_before_the_schema_is_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    settle(home, monkeypatch, DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert 1 == main(command)
    assert "the database lacks migrations" in refusal(capsys)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "consent.example"])  # noqa: S104 - refused
def test_a_development_broker_is_served_on_this_machine_only(
    home: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home
    assert 1 == main(["serve", "--host", host])
    assert "is served on this machine only" in refusal(capsys)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_each_name_of_this_machine_will_do(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stops it here comes after: the schema is missing."""
    settle(home, monkeypatch, DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert 1 == main(["serve", "--host", host])
    assert "lacks migrations" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["verify"], ["clients", "register"], ["policy", "check"]])
def test_a_file_that_is_not_there_is_named(
    home: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert home
    assert 1 == main([*command, str(tmp_path / "nothing")])
    assert f"{tmp_path}/nothing: No such file or directory" in refusal(capsys)


LOOKED_AT = [
    *("settings", "keys", "platforms", "policies", "database", "schema"),
    *("rights", "erasures", "deliveries", "actions", "retention"),
]


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Return the doctor's findings: the mark and the detail by name."""
    lines = [line.partition(": ") for line in capsys.readouterr().out.splitlines()]
    return {head.split()[1]: (head.split()[0], detail) for head, _, detail in lines}


def test_the_doctor_finds_a_broker_that_was_set_up_well(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert home
    assert 0 == main(["doctor"])
    found = findings(capsys)
    assert dict.fromkeys(LOOKED_AT, "ok") == {name: mark for name, (mark, _) in found.items()}
    assert ("http://127.0.0.1:8000", "x", "mastodon-covenant-terms 1, x-developer-terms 3", "up to date") == tuple(
        found[name][1] for name in ("settings", "platforms", "policies", "schema")
    )
    assert "journal_mode=wal, synchronous=2, foreign_keys=1" == found["database"][1]


SICK: dict[str, tuple[dict[str, str], str, str]] = {
    "a setting that nobody reads": ({"LOG_LEVLE": "info"}, "settings", "BROKER_LOG_LEVLE is not a setting"),
    "an issuer over http": ({"ISSUER": "http://consent.example"}, "settings", "must be https"),
    "no keys": ({"KEYS_DIR": "nowhere"}, "keys", "cannot be read"),
    "another master key": ({"MASTER_KEY": "A" * 43}, "keys", "does not open under this master key"),
    "no platforms": ({"PLATFORMS_FILE": "nowhere"}, "platforms", "the platforms file cannot be read"),
    "no policies": ({"POLICIES_DIR": "nowhere"}, "policies", "no document for 'x'"),
    "a database of another kind": ({"DATABASE_URL": "mysql://db"}, "database", "must start with sqlite"),
    "a database that is not there": (
        {"DATABASE_URL": "sqlite:////nowhere/at/all/broker.db"},
        "database",
        "the database does not answer",
    ),
    "a database at no address": (
        {"DATABASE_URL": "postgresql+psycopg://u:pw@h:port/d"},
        "database",
        "BROKER_DATABASE_URL",
    ),
    "a database in memory": ({"DATABASE_URL": "sqlite://"}, "database", "BROKER_DATABASE_URL names no file"),
    "a database without its schema": (
        {"DATABASE_URL": "sqlite:///empty.db"},
        "schema",
        "run `broker init`",
    ),
}


@pytest.mark.parametrize(("changes", "name", "named"), SICK.values(), ids=SICK.keys())
def test_the_doctor_names_what_is_wrong(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    changes: dict[str, str], *, name: str, named: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    settle(home, monkeypatch, **changes)
    assert 1 == main(["doctor"])
    mark, detail = findings(capsys)[name]
    assert ("FAIL", True) == (mark, named in detail), detail
    assert "pw@" not in detail


@pytest.mark.parametrize(("file", "name"), [("platforms.toml", "platforms"), ("data/broker.db", "database")])
def test_the_doctor_finds_a_file_that_others_may_read(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str, *, name: str
) -> None:
    assert 0 == main(["init"])
    (empty / "platforms.toml").chmod(0o600)
    settle(empty, monkeypatch, **REAL, MASTER_KEY=(empty / "keys" / "master.key").read_text().strip())
    capsys.readouterr()
    assert 0 == main(["doctor"]), capsys.readouterr().out
    (empty / file).chmod(0o640)
    capsys.readouterr()
    assert 1 == main(["doctor"])
    assert ("FAIL", f"{empty}/{file}: others may read it; run chmod 600") == findings(capsys)[name]


def test_the_doctor_looks_at_nothing_with_settings_that_cannot_be_read(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(home, monkeypatch, LOG_LEVEL="loud")
    assert 1 == main(["doctor"])
    assert ["settings"] == list(findings(capsys))


def test_a_fault_elsewhere_does_not_keep_the_doctor_from_looking_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(home, monkeypatch, KEYS_DIR="nowhere")
    assert 1 == main(["doctor"])
    assert ["keys"] == [name for name, (mark, _) in findings(capsys).items() if mark == "FAIL"]
