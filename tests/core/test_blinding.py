"""Digests of people: one per client, never mixed up, of no use without the secret."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.blinding import DIGEST_SIZE, Blinder, name_digest
from broker.core.identifiers import Identifier, PlatformAccount

BLINDER = Blinder(bytes(range(32)))
JANE = Identifier(kind="person", type="email", value="jane@example.com")
ACCOUNT = PlatformAccount(platform="x", id="2244994945")
KEY = BLINDER.account(ACCOUNT)


def test_a_digest_is_128_bits() -> None:
    digests = [KEY, BLINDER.handle("x", "john"), BLINDER.identifier("a", JANE), BLINDER.pair("a", KEY, KEY)]
    assert [DIGEST_SIZE] * 4 == [len(digest) for digest in digests]


def test_the_same_person_has_the_same_digest() -> None:
    again = Blinder(bytes(range(32)))
    assert (KEY, BLINDER.identifier("a", JANE)) == (again.account(ACCOUNT), again.identifier("a", JANE))


def test_another_secret_gives_other_digests() -> None:
    other = Blinder(bytes(32))
    assert KEY != other.account(ACCOUNT)
    assert BLINDER.identifier("a", JANE) != other.identifier("a", JANE)


def test_two_clients_have_nothing_in_common() -> None:
    assert BLINDER.identifier("a", JANE) != BLINDER.identifier("b", JANE)
    assert BLINDER.pair("a", KEY, KEY) != BLINDER.pair("b", KEY, KEY)


@pytest.mark.parametrize("changes", [{"kind": "other"}, {"type": "phone"}, {"value": "joe@example.com"}, {"name": "n"}])
def test_every_part_of_an_identifier_counts(changes: dict[str, str]) -> None:
    other = Identifier(**{**{field.name: getattr(JANE, field.name) for field in fields(JANE)}, **changes})
    assert BLINDER.identifier("a", JANE) != BLINDER.identifier("a", other)


@given(st.lists(st.text(max_size=80), max_size=5), st.sampled_from(["prod", "dev"]))
def test_many_digests_are_those_of_each(texts: list[str], environment: str) -> None:
    accounts = [BLINDER.account(PlatformAccount(platform="x", id=it), environment=environment) for it in texts]
    assert accounts == BLINDER.accounts("x", texts, environment=environment)
    records = [BLINDER.identifier("a", Identifier(kind="person", type="email", value=it)) for it in texts]
    assert records == BLINDER.identifiers("a", kind="person", type="email", values=texts)


def test_an_account_and_a_handle_of_the_same_letters_are_two_things() -> None:
    assert BLINDER.account(PlatformAccount(platform="x", id="12")) != BLINDER.handle("x", "12")


def test_an_account_on_another_platform_is_another() -> None:
    assert KEY != BLINDER.account(PlatformAccount(platform="y", id=ACCOUNT.id))


def test_a_handle_is_found_in_every_case() -> None:
    assert BLINDER.handle("x", "John") == BLINDER.handle("x", "@jOHN")


def test_a_refused_pair_is_neither_of_its_ends() -> None:
    digest = BLINDER.identifier("a", JANE)
    assert BLINDER.pair("a", KEY, digest) not in {KEY, digest, BLINDER.pair("a", digest, KEY)}


def test_a_forms_token_belongs_to_its_secrets_and_its_broker() -> None:
    token = BLINDER.form("browser", "session")
    assert token == BLINDER.form("browser", "session")
    others = {
        BLINDER.form("browser"),
        BLINDER.form("browsers", "ession"),
        Blinder(bytes(32)).form("browser", "session"),
    }
    assert token not in others


def test_the_secret_is_not_shown() -> None:
    assert "Blinder()" == repr(BLINDER)


PART = st.text(max_size=8)


@given(one=st.tuples(PART, PART), other=st.tuples(PART, PART))
def test_where_one_part_ends_and_the_next_begins_counts(one: tuple[str, str], other: tuple[str, str]) -> None:
    """The digest of "ab", "c" is not that of "a", "bc"."""
    digests = [BLINDER.account(PlatformAccount(platform=platform, id=id_)) for platform, id_ in (one, other)]
    assert (one == other) is (digests[0] == digests[1])


@given(words=st.lists(st.text("ab\x00", max_size=4), min_size=4, max_size=4))
def test_moving_a_letter_to_the_next_part_makes_another_identifier(words: list[str]) -> None:
    client, kind, type_, value = words
    moved = Identifier(kind=kind + type_[:1], type=type_[1:], value=value)
    same = Identifier(kind=kind, type=type_, value=value)
    assert (moved == same) is (BLINDER.identifier(client, moved) == BLINDER.identifier(client, same))


def test_ten_thousand_identifiers_have_ten_thousand_digests() -> None:
    made = {
        BLINDER.identifier(f"client-{client}", Identifier(kind="person", type="customer_id", value=str(number)))
        for client in range(10)
        for number in range(1_000)
    }
    assert 10_000 == len(made)


def test_a_name_is_kept_by_kind() -> None:
    assert name_digest("code", "abc") != name_digest("cookie", "abc")
    assert name_digest("code", "abc") == name_digest("code", "abc")
    assert 32 == len(name_digest("code", "abc"))
