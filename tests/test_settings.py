"""Settings: each in the list, each refusal in one line, and nothing unsafe at start."""

import re
from base64 import urlsafe_b64encode
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from broker.core.budget import FULL, SECOND, taken, waits
from broker.errors import BadConfiguration
from broker.settings import Settings, read_settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"
REAL = {"BROKER_ISSUER": "https://consent.example", "BROKER_OPERATOR_CONTACT": "privacy@consent.example"}
MASTER = urlsafe_b64encode(bytes(range(32))).decode()


def example_lines() -> list[str]:
    """Return the lines of the list."""
    return EXAMPLE.read_text().splitlines()


def example() -> dict[str, str]:
    """Return the list's variables in order."""
    return dict(line.split("=", 1) for line in example_lines() if line and not line.startswith("#"))


def test_the_list_holds_exactly_the_settings_in_their_order() -> None:
    assert [f"BROKER_{field.name.upper()}" for field in fields(Settings)] == list(example())
    assert len(example()) == len([line for line in example_lines() if re.match("[A-Z]", line)])


def test_every_setting_of_the_list_has_its_comment_above() -> None:
    lines = example_lines()
    uncommented = [line for above, line in pairwise(lines) if "=" in line and line[0] != "#" != above[:1]]
    assert [] == uncommented


def test_the_list_says_what_holds_when_nothing_is_said() -> None:
    assert Settings() == read_settings({}) == read_settings(example())


def test_what_is_given_counts() -> None:
    settings = read_settings(
        {**REAL, "BROKER_KEYS_DIR": "/keys", "BROKER_MASTER_KEY": MASTER, "BROKER_LOG_LEVEL": "error", "HOME": "/"}
    )
    assert (Path("/keys"), "error", (bytes(range(32)),)) == (settings.keys_dir, settings.log_level, settings.masters())


ISSUERS = {
    "https": "https://consent.example",
    "https with a port": "https://consent.example:8443",
    "an address": "https://192.0.2.7",
    "an address of the other kind": "https://[2001:db8::7]",
}
LOOPBACK = {
    "127.0.0.1": "http://127.0.0.1:8000",
    "localhost": "http://localhost:8000",
    "::1": "http://[::1]:8000",
    "no port": "http://localhost",
}


@pytest.mark.parametrize("issuer", ISSUERS.values(), ids=ISSUERS.keys())
def test_a_real_issuer_is_https(issuer: str) -> None:
    settings = read_settings({**REAL, "BROKER_ISSUER": issuer})
    assert (issuer, False) == (settings.issuer, settings.loopback)


@pytest.mark.parametrize("issuer", LOOPBACK.values(), ids=LOOPBACK.keys())
def test_a_development_issuer_is_http_on_this_machine(issuer: str) -> None:
    settings = read_settings({"BROKER_ISSUER": issuer})
    assert (issuer, True) == (settings.issuer, settings.loopback)


def test_https_on_this_machine_is_a_real_issuer() -> None:
    assert read_settings({**REAL, "BROKER_ISSUER": "https://localhost:8443"}).loopback is False


BAD_ISSUERS = {
    "http elsewhere": "http://consent.example",
    "http on an address": "http://192.0.2.7:8000",
    "http on every address": "http://0.0.0.0:8000",
    "http on a name like this machine's": "http://localhost.example:8000",
    "http on this machine in disguise": "http://127.0.0.1.example",
    "another scheme": "ftp://consent.example",
    "no scheme": "consent.example",
    "a path": "https://consent.example/broker",
    "a slash": "https://consent.example/",
    "a query": "https://consent.example?tenant=1",
    "an empty query": "https://consent.example?",
    "a fragment": "https://consent.example#top",
    "an empty fragment": "https://consent.example#",
    "a user": "https://user:password@consent.example",
    "nobody as a user": "https://@consent.example",
    "this machine as a user": "http://localhost@consent.example",
    "no host": "https://",
    "half an address": "http://[::1",
    "a port that is none": "https://consent.example:port",
    "a port too large": "https://consent.example:99999",
    "a blank inside": "https://con sent.example",
    "a blank at the end": "https://consent.example ",
    "a line break at the end": "https://consent.example\n",
    "a host outside ASCII": "https://c\u043ensent.example",
}


@pytest.mark.parametrize("issuer", BAD_ISSUERS.values(), ids=BAD_ISSUERS.keys())
def test_an_issuer_of_another_shape_is_refused(issuer: str) -> None:
    with pytest.raises(BadConfiguration, match="BROKER_ISSUER must be"):
        read_settings({**REAL, "BROKER_ISSUER": issuer})


@pytest.mark.parametrize("name", ["BROKER_SERVICE_HOST", "BROKER_PORT", "BROKER_PORT_8000_TCP", "BROKER_URL"])
def test_a_variable_that_a_container_platform_sets_is_left_alone(name: str) -> None:
    assert read_settings(REAL) == read_settings({**REAL, name: "tcp://10.0.0.1:8000"})


UNSAFE: dict[str, tuple[dict[str, str], str]] = {
    "a budget in words": ({"BROKER_REQUEST_BUDGET": "many"}, "BROKER_REQUEST_BUDGET"),
    "a budget with a store of nothing": ({"BROKER_ITEM_BUDGET": "60 0"}, "BROKER_ITEM_BUDGET"),
    "a budget that fills in more than a year": ({"BROKER_MISS_BUDGET": "1 999999999"}, "BROKER_MISS_BUDGET"),
    "a variable that nobody reads": (
        {"BROKER_ISUER": "https://consent.example"},
        "BROKER_ISUER is not a setting; BROKER_ISSUER is",
    ),
    "an empty one": (
        {"BROKER_MASTER_KEYFILE": ""},
        "BROKER_MASTER_KEYFILE is not a setting; BROKER_MASTER_KEY_FILE is",
    ),
    "http allowed to Authlib": ({"AUTHLIB_INSECURE_TRANSPORT": "1"}, "AUTHLIB_INSECURE_TRANSPORT is set"),
    "http allowed to oauthlib": ({"OAUTHLIB_INSECURE_TRANSPORT": "1"}, "OAUTHLIB_INSECURE_TRANSPORT is set"),
    "a debugger on the web": ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG is set"),
    "a debugger without a pin": ({"WERKZEUG_DEBUG_PIN": "off"}, "WERKZEUG_DEBUG_PIN is set"),
    "an unknown log level": ({"BROKER_LOG_LEVEL": "trace"}, "BROKER_LOG_LEVEL must be debug, info"),
    "a token that could be guessed": ({"BROKER_METRICS_TOKEN": "secret"}, "BROKER_METRICS_TOKEN must be 32 to 256"),
    "a token with a blank": ({"BROKER_METRICS_TOKEN": "a " * 20}, "BROKER_METRICS_TOKEN must be 32 to 256"),
    "spans to nowhere": ({"BROKER_OTLP_ENDPOINT": "collector:4318"}, "BROKER_OTLP_ENDPOINT must be an address"),
    "spans with a password": ({"BROKER_OTLP_ENDPOINT": "http://a:b@c:4318"}, "BROKER_OTLP_ENDPOINT must be an address"),
    "slow in words": ({"BROKER_SLOW_STATEMENT_MS": "0.2"}, "BROKER_SLOW_STATEMENT_MS must be milliseconds"),
    "a log level in capitals": ({"BROKER_LOG_LEVEL": "INFO"}, "BROKER_LOG_LEVEL must be debug, info"),
}
UNSAFE_FOR_REAL: dict[str, tuple[dict[str, str], str]] = {
    "a log that tells all": ({"BROKER_LOG_LEVEL": "debug"}, "BROKER_LOG_LEVEL=debug is for development"),
    "two master keys": ({"BROKER_MASTER_KEY": MASTER, "BROKER_MASTER_KEY_FILE": "/m"}, "are both set"),
    "a master key and another's custody": (
        {"BROKER_MASTER_KEY": MASTER, "BROKER_CUSTODY": "kms:open"},
        "BROKER_MASTER_KEY and BROKER_CUSTODY are both set",
    ),
    "the master key beside its keys": (
        {"BROKER_KEYS_DIR": "/keys", "BROKER_MASTER_KEY_FILE": "/keys/master.key"},
        "BROKER_MASTER_KEY_FILE lies beside the keys",
    ),
    "the master key below its keys": (
        {"BROKER_KEYS_DIR": "/keys", "BROKER_MASTER_KEY_FILE": "/keys/deep/master.key"},
        "BROKER_MASTER_KEY_FILE lies beside the keys",
    ),
    "the master key beside its keys by a detour": (
        {"BROKER_KEYS_DIR": "/keys", "BROKER_MASTER_KEY_FILE": "/etc/../keys/master.key"},
        "BROKER_MASTER_KEY_FILE lies beside the keys",
    ),
    "nobody to write to": ({"BROKER_OPERATOR_CONTACT": "privacy@localhost"}, "BROKER_OPERATOR_CONTACT must name"),
}


@pytest.mark.parametrize("base", [{}, REAL], ids=["development", "real"])
@pytest.mark.parametrize(("changes", "named"), UNSAFE.values(), ids=UNSAFE.keys())
def test_what_is_unsafe_anywhere_is_refused_by_name(base: dict[str, str], changes: dict[str, str], named: str) -> None:
    with pytest.raises(BadConfiguration, match=named):
        read_settings({**base, **changes})


@pytest.mark.parametrize(("changes", "named"), UNSAFE_FOR_REAL.values(), ids=UNSAFE_FOR_REAL.keys())
def test_what_is_unsafe_in_real_use_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    assert read_settings(changes).loopback is True
    with pytest.raises(BadConfiguration, match=named):
        read_settings({**REAL, **changes})


def test_a_budget_is_a_number_a_minute_and_what_may_be_saved_up() -> None:
    limits = read_settings(
        {"BROKER_REQUEST_BUDGET": "60", "BROKER_ITEM_BUDGET": "0", "BROKER_MISS_BUDGET": "60 5"}
    ).limits()
    assert [(120, 1), (0, 0), (5, 1)] == [(limit.store, limit.cost // SECOND) for limit in limits]


def test_the_budgets_that_hold_when_nothing_is_said_let_25_000_items_a_minute_pass_known_or_not() -> None:
    limits, now = Settings().limits(), 10**18
    levels = FULL
    for minute in range(30):
        for _ in range(5):
            moment = now + minute * 60 * SECOND
            assert 0 == max(0, *waits(limits, levels, moment, requests=1, items=5_000))
            levels = taken(limits, levels, moment, requests=1, items=5_000, misses=5_000)


def test_a_switch_that_is_empty_is_not_set() -> None:
    assert Settings() == read_settings({"FLASK_DEBUG": "", "BROKER_LOG_LEVEL": ""})


def test_the_master_key_of_a_real_broker_is_never_looked_for_beside_the_keys() -> None:
    with pytest.raises(BadConfiguration, match="BROKER_MASTER_KEY or BROKER_MASTER_KEY_FILE must be set"):
        read_settings(REAL).masters()


def test_the_master_key_of_a_development_broker_lies_beside_the_keys() -> None:
    assert Path("var/keys/master.key") == read_settings({}).master_file()


def test_a_master_key_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.touch(mode=0o600)
    file.write_text(MASTER)
    assert (bytes(range(32)),) == read_settings({**REAL, "BROKER_MASTER_KEY_FILE": str(file)}).masters()


def test_a_link_does_not_hide_that_the_master_key_lies_beside_the_keys(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "keys")
    given = {"BROKER_KEYS_DIR": str(tmp_path / "keys"), "BROKER_MASTER_KEY_FILE": str(tmp_path / "elsewhere" / "m.key")}
    with pytest.raises(BadConfiguration, match="lies beside the keys"):
        read_settings({**REAL, **given})


def test_the_environment_is_read_when_nothing_is_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_ISSUER", "http://localhost:9")
    assert "http://localhost:9" == read_settings().issuer
