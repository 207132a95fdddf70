"""The platforms file: who may prove accounts, and where; read strictly, and never over http in real use."""

from pathlib import Path

import pytest

from broker.errors import BadConfiguration
from broker.platforms.client import web_address
from broker.platforms.oidc import OpenIdProvider
from broker.platforms.registry import load_platforms
from broker.platforms.x import ADDRESSES, X

KEYS = 'client_id = "broker"\nclient_secret = "made-up"\n'
PROVIDER = f'[login]\nkind = "oidc"\nissuer = "https://login.example"\n{KEYS}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a place for the file."""
    return tmp_path / "platforms.toml"


def test_x_is_where_it_is_unless_the_file_says_otherwise(file: Path) -> None:
    file.write_text(f'[x]\n{KEYS}token_url = "https://x.example/token"\n')
    x = load_platforms(file, loopback=False)["x"]
    assert isinstance(x, X)
    assert {**ADDRESSES, "token_url": "https://x.example/token"} == x.addresses
    assert ("x", "X") == (x.name, x.label)


def test_an_openid_provider_is_named_by_its_table(file: Path) -> None:
    file.write_text(PROVIDER + 'label = "Login of Example"\n')
    provider = load_platforms(file, loopback=False)["login"]
    assert isinstance(provider, OpenIdProvider)
    assert ("login", "Login of Example", "https://login.example") == (provider.name, provider.label, provider.issuer)


def test_a_provider_without_a_label_is_called_by_its_name(file: Path) -> None:
    file.write_text(PROVIDER.replace('kind = "oidc"\n', ""))
    assert "login" == load_platforms(file, loopback=False)["login"].label


def test_a_server_that_speaks_as_x_does_may_have_another_name(file: Path) -> None:
    file.write_text(f'[sandbox]\nkind = "x"\nlabel = "Sandbox"\n{KEYS}')
    sandbox = load_platforms(file, loopback=False)["sandbox"]
    assert ("sandbox", "Sandbox") == (sandbox.name, sandbox.label)


def test_the_re_checks_settings_are_no_faults(file: Path) -> None:
    file.write_text(
        f'[x]\n{KEYS}bearer_token = "t"\nusers_url = "https://x.example/"\ncompliance_url = "https://x.example/"\n'
        'storage_url = "https://files.example"\n'
    )
    assert ["x"] == list(load_platforms(file, loopback=False))


def test_secrets_do_not_show_themselves(file: Path) -> None:
    file.write_text(f"[x]\n{KEYS}{PROVIDER}")
    assert [] == [it for it in load_platforms(file, loopback=False).values() if "made-up" in repr(it)]


FAULTS = {
    "no platform": ("", "names no platform"),
    "no TOML": ("[x", "is not TOML"),
    "a value outside a table": ('client_id = "broker"\n', r"\[client_id\] must be a table of text values"),
    "a number": (f"[x]\n{KEYS}port = 443\n", r"\[x\] must be a table of text values"),
    "a table in a table": (f"[x]\n{KEYS}[x.more]\n", r"\[x\] must be a table of text values"),
    "no client_id": ('[x]\nclient_secret = "s"\n', r"\[x\]: client_id is missing"),
    "no secret": ('[x]\nclient_id = "broker"\n', r"\[x\]: client_secret is missing"),
    "no issuer": (f'[login]\nkind = "oidc"\n{KEYS}', r"\[login\]: issuer is missing"),
    "a setting that nobody reads": (f'[x]\n{KEYS}tokn_url = "https://x.example/"\n', "'tokn_url' is not a setting"),
    "TLS switched off": (f'{PROVIDER}verify = "false"\n', "'verify' is not a setting"),
    "an unknown kind": (f'[login]\nkind = "saml"\n{KEYS}', "kind must be x or oidc"),
    "a name in capitals": (f"[X]\n{KEYS}", r"\[X\] must be named in a-z"),
    "a name with a dot": (f'["log.in"]\n{KEYS}', r"\[log.in\] must be named in a-z"),
    "a name with a slash": (f'["x/../y"]\n{KEYS}', "must be named in a-z"),
    "x over http": (f'[x]\n{KEYS}token_url = "http://x.example/"\n', r"\]: .* must be"),
    "a provider over http": (PROVIDER.replace("https:", "http:"), r"\]: .* must be"),
    "a provider in a file": (
        PROVIDER.replace("https://login.example", "file:///etc/issuer"),
        r"\]: .* must be",
    ),
}


@pytest.mark.parametrize(("text", "named"), FAULTS.values(), ids=FAULTS.keys())
def test_a_file_with_a_fault_is_refused_by_name(file: Path, text: str, named: str) -> None:
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=named):
        load_platforms(file, loopback=False)


def test_a_file_that_is_not_there_is_refused_by_name(file: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"platforms\.toml: the platforms file cannot be read"):
        load_platforms(file, loopback=False)


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes(f'[x]\n{KEYS}label = "\u00e9"\n'.encode("latin-1"))
    with pytest.raises(BadConfiguration, match="is not TOML"):
        load_platforms(file, loopback=False)


LOCAL = ["http://127.0.0.1:9/token", "http://localhost:9/token", "http://[::1]:9/token"]


@pytest.mark.parametrize("address", LOCAL)
def test_http_is_for_this_machine_in_development(address: str) -> None:
    assert address == web_address(address, loopback=True, where="x")
    with pytest.raises(BadConfiguration, match=r"\[x\]: .* must be"):
        web_address(address, loopback=False, where="x")


ADDRESSES_REFUSED = {
    "http elsewhere": "http://x.example/",
    "this machine in disguise": "http://127.0.0.1.x.example/",
    "another scheme": "ftp://x.example/",
    "no host": "https:///token",
    "no slashes": "https:x.example",
    "a user": "https://user@x.example/",
    "nobody as a user": "https://@x.example/",
    "half an address": "http://[::1/token",
    "a port that is none": "https://x.example:port/",
    "a line break": "https://x.example/\n",
    "nothing": "",
}


@pytest.mark.parametrize("loopback", [True, False], ids=["development", "real"])
@pytest.mark.parametrize("address", ADDRESSES_REFUSED.values(), ids=ADDRESSES_REFUSED.keys())
def test_any_other_address_is_refused(address: str, *, loopback: bool) -> None:
    with pytest.raises(BadConfiguration, match=r"\[x\]: .* must be"):
        web_address(address, loopback=loopback, where="x")
