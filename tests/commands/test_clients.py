"""``broker clients``: who may ask, and who changed that, when and why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import FILE, OPERATOR, Register, refusal
from vectors.make import STRANGER, jwk_of

from broker.cli import main

DOUBTFUL = "Answer people who are in debt when they write to us"


def shown(client_id: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what ``clients show`` prints."""
    capsys.readouterr()
    assert main(["clients", "show", client_id]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def history(client_id: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """Return every change of a client's standing: the standing, who made it, and why."""
    return [(it["standing"], it["who"], it["why"]) for it in shown(client_id, capsys)["standings"]]


def test_a_client_is_printed_as_it_was_registered(registered: Callable[..., dict[str, Any]]) -> None:
    printed = registered(scope="match consent", brands=["Southwind"], owner="Northwind Ltd")
    assert (26, "active", "match consent") == (len(printed["client_id"]), printed["standing"], printed["scope"])
    assert ["Southwind"] == printed["brands"]
    kept = {name for name in FILE if name != "jwks" and printed[name] == FILE[name]}
    assert FILE.keys() - {"jwks"} == kept
    assert jwk_of(STRANGER).thumbprint() == printed["jwks"]["keys"][0]["kid"]


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "a background check": ({"purposes": ["background-check"]}, "[SURVEILLANCE-4]"),
    "a credit score": ({"purposes": ["customer-care", "credit-risk"]}, "[SURVEILLANCE-5]"),
    "measuring the platform": ({"purposes": ["platform-benchmarking"]}, "[MEASURE-1]"),
    "sensitive inference": ({"purposes": ["sensitive-inference"]}, "[SENSITIVE-1]"),
    "a use that is sensitive": (
        {"use_case": "Infer from their posts which of our customers are pregnant"}, "[SENSITIVE-1.health]",
    ),
    "a purpose of its own under one that is prohibited": (
        {"purposes": [{"id": "tenant-vetting", "broader": "background-check"}]}, "purposes: 'tenant-vetting' must be",
    ),
    "a development instance that does not say so": ({"environment": "dev"}, "[APPLICATION-2]"),
    "an unknown purpose": ({"purposes": ["world-peace"]}, "the purpose 'world-peace' is not known"),
    "an unknown platform": ({"platforms": ["myspace"]}, "'myspace' is not a platform of this broker; there are x"),
    "no name": ({"client_name": None}, "client_name"),
    "an unknown member": ({"token": "t"}, "token"),
    "a redirect over http": ({"redirect_uris": ["http://northwind.example/"]}, "redirect_uris must be https"),
    "a private key": ({"jwks": {"keys": [jwk_of(STRANGER).as_dict(private=True)]}}, "private key must never leave"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_client_that_the_terms_or_the_form_refuse_is_not_registered(
    register: Register, capsys: pytest.CaptureFixture[str], changes: dict[str, object], named: str
) -> None:
    assert 0 == main(["clients", "list"])
    before = capsys.readouterr().out
    assert 1 == register(**changes)
    assert named in refusal(capsys)
    assert 0 == main(["clients", "list"])
    assert before == capsys.readouterr().out


def test_a_use_case_that_its_owner_has_already_is_refused_by_the_name_of_who_has_it(
    registered: Callable[..., dict[str, Any]], register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    first = registered(owner="Contoso Ltd", client_name="Contoso Market")
    assert 1 == register(owner="contoso  LTD", client_name="Contoso Two", use_case="Something that reads otherwise")
    said = refusal(capsys)
    assert f"client {first['client_id']} (Contoso Market) of this owner has this use case" in said
    assert "[APPLICATION-1]" in said


def test_a_doubtful_client_is_held_and_the_operator_is_told_what_to_do(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == register(use_case=DOUBTFUL)
    said = capsys.readouterr()
    client = json.loads(said.out)
    assert ("held", True) == (client["standing"], "in debt (financial?)" in client["standing_why"])
    assert f"broker clients approve {client['client_id']} --why TEXT" in said.err
    assert [("held", "broker", client["standing_why"])] == history(client["client_id"], capsys)


def test_a_held_client_is_let_go_by_a_name_and_a_reason(
    registered: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    client = registered(use_case=DOUBTFUL)["client_id"]
    assert 0 == main(["clients", "approve", client, "--why", "people come to them; nothing is inferred"])
    assert f"{client} is active\n" == capsys.readouterr().out
    assert ("active", OPERATOR, "people come to them; nothing is inferred") == history(client, capsys)[-1]


def test_a_client_is_suspended_and_resumed_and_both_are_written_down(
    client_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["clients", "suspend", client_id, "--why", "sold what it matched"])
    assert f"{client_id} is suspended\n" == capsys.readouterr().out
    assert "sold what it matched" == shown(client_id, capsys)["standing_why"]
    assert 0 == main(["clients", "resume", client_id, "--why", "bought it back"])
    assert f"{client_id} is active\n" == capsys.readouterr().out
    assert [
        ("active", "broker", "registered"),
        ("suspended", OPERATOR, "sold what it matched"),
        ("active", OPERATOR, "bought it back"),
    ] == history(client_id, capsys)


def test_a_client_that_was_held_is_held_again_when_it_is_resumed(
    registered: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    client = registered(use_case=DOUBTFUL)["client_id"]
    for change in ("suspend", "suspend", "resume"):
        assert 0 == main(["clients", change, client, "--why", "to see"])
    assert f"{client} is held\n" in capsys.readouterr().out


WITHOUT_A_REASON = [["suspend", "a"], ["resume", "a"], ["approve", "a"], *[
    ["suspend", "a", "--why", nothing] for nothing in ("", "  ", "two\nlines", "\N{RIGHT-TO-LEFT OVERRIDE}nothing")
]]  # fmt: skip


@pytest.mark.parametrize("command", WITHOUT_A_REASON, ids=lambda command: " ".join(map(ascii, command)))
def test_nobodys_standing_changes_without_a_reason(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["clients", *command])
    assert "--why" in capsys.readouterr().err


@pytest.mark.parametrize(("change", "said"), [("approve", "active, not held"), ("resume", "active, not suspended")])
def test_a_client_is_let_go_only_from_where_it_is(
    client_id: str, change: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(["clients", change, client_id, "--why", "by mistake"])
    assert said in refusal(capsys)
    assert 1 == len(history(client_id, capsys))


@pytest.mark.parametrize("nobody", ["nobody", "a" * 26, ""])
@pytest.mark.parametrize("command", ["suspend", "resume", "approve", "show"])
def test_an_unknown_client_is_named(command: str, nobody: str, capsys: pytest.CaptureFixture[str]) -> None:
    why = [] if command == "show" else ["--why", "it"]
    assert 1 == main(["clients", command, nobody, *why])
    assert f"there is no client {nobody!r}" in refusal(capsys)


def test_the_list_has_a_line_a_client(client_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["clients", "list"])
    assert [f"{client_id}  active     prod     Northwind Shop"] == [
        line for line in capsys.readouterr().out.splitlines() if line.startswith(client_id)
    ]


@pytest.mark.parametrize(("raw", "named"), [(b"{", "not JSON"), (b"[]", "a JSON object"), (b'{"a":1,"a":1}', "twice")])
def test_a_client_file_is_read_strictly(
    tmp_path: Path, raw: bytes, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "client.json").write_bytes(raw)
    assert 1 == main(["clients", "register", str(tmp_path / "client.json")])
    assert named in refusal(capsys)
