"""The client file: RFC 7591's names, and every address, name and date checked before it stands on a page."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.make import STRANGER, jwk_of

from broker.core.client import SCOPES, Registration
from broker.errors import MalformedRequest
from broker.web.registration import ClientWire
from broker.web.wire import parse

FILE: dict[str, Any] = {
    "client_name": "Northwind Shop",
    "client_uri": "https://northwind.example/",
    "redirect_uris": ["https://northwind.example/linked", "https://northwind.example/again?from=x"],
    "jwks": {"keys": [jwk_of(STRANGER).as_dict(private=False)]},
    "contacts": ["privacy@northwind.example"],
    "owner": "Northwind Ltd",
    "environment": "prod",
    "use_case": "Answer customers who write to us on social networks",
    "purposes": ["customer-care", "newsletter"],
    "platforms": ["x"],
}


def read(*, loopback: bool = False, **changes: Any) -> Registration:  # noqa: ANN401 - any member
    """Read a file with changes; a change to None leaves a member out."""
    whole = {name: it for name, it in {**FILE, **changes}.items() if it is not None}
    return parse(ClientWire, whole).to_core(loopback=loopback)


def test_a_file_is_read_as_it_was_written() -> None:
    registered = read(policy_uri="https://northwind.example/privacy", brands=["Southwind"], scope="consent match")
    same = {name for name, value in FILE.items() if name != "jwks" and _listed(getattr(registered, name)) == value}
    assert FILE.keys() - {"jwks"} == same
    assert ("https://northwind.example/privacy", None) == (registered.policy_uri, registered.tos_uri)
    assert (("Southwind",), ("consent", "match")) == (registered.brands, registered.scopes)
    assert jwk_of(STRANGER).thumbprint() == registered.jwks["keys"][0]["kid"]


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_a_client_without_scopes_gets_all() -> None:
    assert SCOPES == read().scopes


def test_the_words_of_rfc_7591_may_be_said() -> None:
    said = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }
    assert read() == read(**said)


def test_agreements_are_dates() -> None:
    agreed = {"terms_of_service": "2026-01-10", "developer_policy": "2028-02-29"}
    assert agreed == read(agreements=agreed).agreements
    assert {} == read().agreements


LOOPBACK = ["http://127.0.0.1:9/cb", "http://localhost/cb", "http://[::1]:9/cb"]


@pytest.mark.parametrize("address", LOOPBACK)
@pytest.mark.parametrize("member", ["client_uri", "redirect_uris"])
def test_http_is_for_this_machine_in_development(member: str, address: str) -> None:
    given_ = {member: [address] if member == "redirect_uris" else address}
    assert address in str(getattr(read(loopback=True, **given_), member))
    with pytest.raises(MalformedRequest, match=f"{member} must be https"):
        read(**given_)


ADDRESSES = {
    "http": "http://northwind.example/",
    "a script": "javascript:alert(1)",
    "a scheme of an app": "northwind://linked",
    "a user": "https://northwind.example@stranger.example/",
    "a port too large": "https://northwind.example:99999/",
    "a fragment": "https://northwind.example/#linked",
    "an empty fragment": "https://northwind.example/#",
    "a backslash": "https://northwind.example/\\stranger.example",
    "a line break": "https://northwind.example/\n",
    "letters outside ASCII": "https://n\u043erthwind.example/",
}


@pytest.mark.parametrize("member", ["client_uri", "redirect_uris", "policy_uri", "tos_uri"])
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_is_plain_https(member: str, address: str) -> None:
    with pytest.raises(MalformedRequest, match=f"{member} must be "):
        read(**{member: [address] if member == "redirect_uris" else address})


UNREADABLE = {
    "two lines": "North\nwind, a shop",
    "a blank in front": " Northwind, a shop",
    "a blank at the end": "Northwind, a shop ",
    "letters turned round": "North\u202ewind, a shop",
    "an isolate": "\u2067Northwind, a shop",
    "a blank of no width": "North\u200bwind, a shop",
    "NUL": "North\x00wind, a shop",
    "a letter that shows nothing": "North\u3164wind, a shop",
    "a pattern of no dots": "\u2800" * 12,
    "no letter at all": "* * * * * *",
    "marks piled up": "Northwind\u0301\u0302\u0303, a shop",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("member", ["client_name", "owner", "use_case", "brands"])
def test_what_stands_on_a_page_can_be_read_in_one_way(member: str, text: str) -> None:
    with pytest.raises(MalformedRequest, match=f"{member} must be plain, visible text"):
        read(**{member: [text] if member == "brands" else text})


NAMES = ["Bäckerei Müller", "Ame\u0301lie & Cie", "北風商店", "متجر الشمال", "Shop 24", "O'Neill's (Cork)"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_be_written_in_any_script(name: str) -> None:
    assert name == read(client_name=name).client_name


CONTACTS = [
    "privacy@northwind.example", "mailto:privacy@northwind.example", "https://northwind.example/privacy",
    "+49 30 123456", "tel:+4930123456",
]  # fmt: skip


@pytest.mark.parametrize("contact", CONTACTS)
def test_a_contact_is_where_people_can_write_or_call(contact: str) -> None:
    assert (contact,) == read(contacts=[contact]).contacts


NO_CONTACTS = {
    "a name": "Jane at Northwind",
    "http": "http://northwind.example/privacy",
    "a script": "javascript:alert(1)",
    "two lines": "privacy@northwind.example\n",
    "a blank in front": " privacy@northwind.example",
    "a host outside ASCII": "privacy@n\u043erthwind.example",
    "a subject": "mailto:privacy@northwind.example?subject=Buy",
    "Arabic digits": "+\u0664\u0669 30 123456",
}


@pytest.mark.parametrize("contact", NO_CONTACTS.values(), ids=NO_CONTACTS.keys())
def test_any_other_contact_is_refused(contact: str) -> None:
    with pytest.raises(MalformedRequest, match="contacts must be e-mail addresses"):
        read(contacts=["privacy@northwind.example", contact])


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no redirect": ({"redirect_uris": []}, "redirect_uris: list should have at least 1"),
    "a redirect as text": ({"redirect_uris": "https://northwind.example/"}, "redirect_uris: input should be"),
    "no keys": ({"jwks": {"keys": []}}, "list of 1 to 8 keys"),
    "a private key": ({"jwks": {"keys": [jwk_of(STRANGER).as_dict(private=True)]}}, "must never leave its owner"),
    "keys at an address": ({"jwks": None, "jwks_uri": "https://northwind.example/jwks"}, "jwks: field required"),
    "a shared secret": ({"client_secret": "s"}, "client_secret: extra inputs are not permitted"),
    "an id of its own": ({"client_id": "northwind"}, "client_id: extra inputs are not permitted"),
    "a secret in the request": ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
    "no authentication": ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
    "another algorithm": ({"token_endpoint_auth_signing_alg": "RS256"}, "token_endpoint_auth_signing_alg"),
    "a password grant": ({"grant_types": ["password"]}, "grant_types"),
    "a refresh token": ({"grant_types": ["refresh_token"]}, "grant_types"),
    "an implicit answer": ({"response_types": ["token"]}, "response_types"),
    "an unknown environment": ({"environment": "production"}, "environment"),
    "a use case in a word": ({"use_case": "care"}, "use_case: string should have at least 10"),
    "no purpose": ({"purposes": []}, "purposes: list should have at least 1"),
    "a purpose twice": ({"purposes": ["newsletter", "newsletter"]}, "purposes: one stands twice"),
    "a platform twice": ({"platforms": ["x", "x"]}, "platforms: one stands twice"),
    "a brand twice": ({"brands": ["A", "A"]}, "brands: one stands twice"),
    "an unknown scope": ({"scope": "match admin"}, "scope must be some of match"),
    "an empty scope": ({"scope": " "}, "scope must be some of match"),
    "a scope twice": ({"scope": "match match"}, "scope: one stands twice"),
    "scopes as a list": ({"scope": ["match"]}, "scope: input should be a valid string"),
    "nobody to write to": ({"contacts": []}, "contacts: list should have at least 1"),
    "a name too long": ({"client_name": "n" * 81}, "client_name: string should have at most 80"),
    "no name": ({"client_name": ""}, "client_name: string should have at least 1"),
    "a day that is none": (
        {"agreements": {"privacy_policy": "2026-02-30"}},
        "agreements.privacy_policy must be a date",
    ),
    "a day in another writing": ({"agreements": {"privacy_policy": "20260110"}}, "must be a date such as"),
    "a day with a time": ({"agreements": {"privacy_policy": "2026-01-10T00:00:00Z"}}, "must be a date such as"),
    "a day in words": ({"agreements": {"privacy_policy": "yesterday"}}, "must be a date such as"),
    "an unknown agreement": ({"agreements": {"cookies": "2026-01-10"}}, "agreements.cookies: extra inputs"),
    "consent by default": ({"default_purposes": ["newsletter"]}, "default_purposes: extra inputs"),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_file_of_another_shape_is_refused_with_its_place(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        read(**changes)
    assert named in refused.value.detail, refused.value.detail


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=9), max_size=3)


@given(
    changes=st.dictionaries(st.sampled_from([*FILE, "policy_uri", "scope", "brands", "agreements"]), ODD, max_size=3)
)
def test_every_file_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        assert isinstance(parse(ClientWire, {**FILE, **changes}).to_core(loopback=True), Registration)
    except MalformedRequest as refused:
        assert refused.detail  # noqa: PT017 - a property
