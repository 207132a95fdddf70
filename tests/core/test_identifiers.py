"""One spelling per identifier, so that one person has one digest; and masks that give nobody away."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.core.identifiers import (
    KINDS,
    Identifier,
    fold_handle,
    read_handle,
    read_identifier,
    read_values,
    same_handle,
)
from broker.errors import MalformedRequest
from broker.platforms.oidc import GRAMMAR as OIDC
from broker.platforms.x import GRAMMAR as X

KIND_OF = {type_: kind for kind, types in KINDS.items() for type_ in types}


def read(type_: str, value: str) -> Identifier:
    """Read an identifier of the type; those of type other are named."""
    return read_identifier(kind=KIND_OF[type_], type=type_, value=value, name="loyalty" if type_ == "other" else None)


SPELLINGS = {
    "upper case": ("email", "Jane@Example.COM", "jane@example.com"),
    "blanks around an address": ("email", "  jane@example.com ", "jane@example.com"),
    "a sub-address is an address of its own": ("email", "jane+shop@example.com", "jane+shop@example.com"),
    "dots are letters like any other": ("email", "j.a.n.e@example.com", "j.a.n.e@example.com"),
    "a letter and its accent apart": ("email", "Ame\u0301lie@example.com", "am\u00e9lie@example.com"),
    "a letter and its accent in one": ("email", "AM\u00c9LIE@example.com", "am\u00e9lie@example.com"),
    "the Kelvin sign is the letter K": ("email", "\u212aarl@example.com", "karl@example.com"),
    "fullwidth letters are the letters": ("email", "\uff4aane@\uff45xample.com", "jane@example.com"),
    "a letter of a formula is the letter": ("customer_id", "\U0001d402-7\u00b2", "C-72"),
    "letters joined in print are the letters": ("customer_id", "o\ufb03ce", "office"),
    "a blank that does not break is a blank": ("customer_id", "C\u00a01", "C 1"),
    "fullwidth digits are the digits": ("phone", "+49\uff11\uff12\uff13\uff14\uff15\uff16", "+49123456"),
    "a trunk zero in brackets": ("phone", "+49 (0)30 1234567", "+49301234567"),
    "a zero in brackets with a blank beside it": ("phone", "+49 (0) 30 1234567", "+49301234567"),
    "Cyrillic letters are other letters": ("email", "\u0458ane@example.com", "\u0458ane@example.com"),
    "a host without a dot": ("email", "jane@localhost", "jane@localhost"),
    "a telephone number": ("phone", "+4930123456", "+4930123456"),
    "a telephone number as people write it": ("phone", " +49 (30) 123-45.6/7 ", "+49301234567"),
    "the shortest telephone number": ("phone", "+1234567", "+1234567"),
    "the longest telephone number": ("phone", "+123456789012345", "+123456789012345"),
    "a customer number": ("customer_id", " C-1009 ", "C-1009"),
    "case counts in a customer number": ("customer_id", "c-1009", "c-1009"),
    "blanks count inside a customer number": ("customer_id", "C 10  09", "C 10  09"),
    "a household": ("household_id", "H-7", "H-7"),
    "a device": ("device_id", "d0:0d", "d0:0d"),
    "a browser": ("browser_id", "b-7", "b-7"),
    "something else with a name": ("other", "L-7", "L-7"),
    "as long as it may be": ("customer_id", "x" * 256, "x" * 256),
}


@pytest.mark.parametrize(("type_", "written", "expected"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_an_identifier_has_one_spelling(type_: str, written: str, expected: str) -> None:
    found = read(type_, written)
    assert (KIND_OF[type_], type_, expected) == (found.kind, found.type, found.value)


REFUSED = {
    "nothing": ("customer_id", ""),
    "blanks only": ("customer_id", "   "),
    "too long": ("customer_id", "x" * 257),
    "too long once it is composed": ("customer_id", "\ufb2c" * 129),
    "a line break at the end": ("email", "jane@example.com\n"),
    "a line break inside": ("customer_id", "C-1\nC-2"),
    "a tabulator": ("customer_id", "C\t1"),
    "NUL": ("customer_id", "C\x001"),
    "a line separator": ("customer_id", "C\u20281"),
    "a joiner of graphemes": ("email", "ja\u034fne@example.com"),
    "a filler": ("customer_id", "C\u3164-1"),
    "a filler of half the width": ("customer_id", "C\uffa0-1"),
    "Braille without a dot": ("customer_id", "C\u2800-1"),
    "a choice between two forms": ("customer_id", "C\ufe0f-1"),
    "another choice of form": ("customer_id", "C\U000e0101-1"),
    "a quoted local part": ("email", '"jane"@example.com'),
    "a comment in an address": ("email", "jane(home)@example.com"),
    "an address within brackets": ("email", "<jane@example.com>"),
    "two addresses": ("email", "jane@example.com,joe@example.com"),
    "a route in an address": ("email", "@relay.example:jane@example.com"),
    "an escaped letter": ("email", "ja\\ne@example.com"),
    "a blank of no width": ("email", "ja\u200bne@example.com"),
    "a joiner": ("email", "ja\u200dne@example.com"),
    "letters turned round": ("email", "jane\u202e@example.com"),
    "an isolate": ("customer_id", "\u2067C-1\u2069"),
    "a byte order mark": ("customer_id", "\ufeffC-1"),
    "a soft hyphen": ("email", "ja\u00adne@example.com"),
    "a private letter": ("customer_id", "C\ue000"),
    "a lone surrogate": ("customer_id", "C\ud800"),
    "no @": ("email", "jane.example.com"),
    "nobody": ("email", "@example.com"),
    "nowhere": ("email", "jane@"),
    "two @": ("email", "jane@home@example.com"),
    "a blank in an address": ("email", "jane doe@example.com"),
    "two dots": ("email", "jane..doe@example.com"),
    "two dots in the host": ("email", "jane@example..com"),
    "a host that ends in a dot": ("email", "jane@example.com."),
    "a host that begins with a hyphen": ("email", "jane@-example.com"),
    "a host in Cyrillic": ("email", "jane@\u0435xample.com"),
    "a local part of 65": ("email", "j" * 65 + "@example.com"),
    "a host of 254": ("email", "j@" + "e" * 254),
    "no plus": ("phone", "004930123456"),
    "a plus and a zero": ("phone", "+049123456"),
    "a number too short": ("phone", "+123456"),
    "a number too long": ("phone", "+1234567890123456"),
    "Arabic digits": ("phone", "+49\u0661\u0662\u0663\u0664\u0665\u0666"),
    "letters in a number": ("phone", "+49CALLME1"),
    "an extension": ("phone", "+4930123456;ext=1"),
}


@pytest.mark.parametrize(("type_", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_what_could_be_read_in_two_ways_is_no_identifier(type_: str, value: str) -> None:
    with pytest.raises(MalformedRequest, match=r"identifier\.value"):
        read(type_, value)


WRONG_SHAPES: dict[str, tuple[Mapping[str, str], str]] = {
    "an unknown kind": ({"kind": "soul", "type": "email"}, "kind"),
    "an unknown type": ({"kind": "person", "type": "passport"}, "type"),
    "a type of another kind": ({"kind": "device", "type": "email"}, "type"),
    "other without a name": ({"kind": "other", "type": "other"}, "name"),
    "a name where none belongs": ({"kind": "person", "type": "email", "name": "loyalty"}, "name"),
    "a name in capitals": ({"kind": "other", "type": "other", "name": "Loyalty"}, "name"),
    "a name with a line break": ({"kind": "other", "type": "other", "name": "loyalty\n"}, "name"),
    "a name that begins with a digit": ({"kind": "other", "type": "other", "name": "7up"}, "name"),
    "a name of 41": ({"kind": "other", "type": "other", "name": "n" * 41}, "name"),
    "an empty name": ({"kind": "other", "type": "other", "name": ""}, "name"),
}


@pytest.mark.parametrize(("members", "named"), WRONG_SHAPES.values(), ids=WRONG_SHAPES.keys())
def test_kinds_are_a_closed_set(members: Mapping[str, str], named: str) -> None:
    with pytest.raises(MalformedRequest, match=rf"identifier\.{named}"):
        read_identifier(**{"value": "jane@example.com", **members})


FOLDED = {
    "an e-mail address": ("email", "Jane.Doe@Example.com", "janedoeexamplecom"),
    "the same as a customer number": ("customer_id", "jane.doe@example.com", "janedoeexamplecom"),
    "the same as a household": ("household_id", "JANE_DOE@example.com", "janedoeexamplecom"),
    "the same under a name": ("other", "jane doe @ example.com", "janedoeexamplecom"),
    "a customer number": ("customer_id", "Cust-1", "cust1"),
    "with another hyphen": ("customer_id", "cust\u20101", "cust1"),
    "in fullwidth letters": ("customer_id", "\uff23ust-1", "cust1"),
    "a telephone number": ("phone", "+49 30 1234567", "49301234567"),
    "the same as a device": ("device_id", "49/30/1234567", "49301234567"),
    "a sharp s": ("customer_id", "Stra\u00dfe 1", "strasse1"),
}


@pytest.mark.parametrize(("type_", "written", "folded"), FOLDED.values(), ids=FOLDED.keys())
def test_one_value_folds_to_one_whatever_it_is_called_and_however_it_is_set(
    type_: str, written: str, folded: str
) -> None:
    assert folded == read(type_, written).folded()


@pytest.mark.parametrize("one", ["-", "_-_", "\u2022"])
def test_a_value_of_signs_alone_folds_to_nothing_that_letters_fold_to(one: str) -> None:
    assert not read("customer_id", one).folded()


@given(type_=st.sampled_from(sorted(KIND_OF)), value=st.text(max_size=80))
def test_reading_a_second_time_changes_nothing(type_: str, value: str) -> None:
    try:
        once = read(type_, value)
    except MalformedRequest:
        return
    assert once == read(type_, once.value)


ADDRESS = st.builds(
    "{}@{}.example".format,
    st.text(st.characters(whitelist_categories=["L", "N"], min_codepoint=0x21, max_codepoint=0x2FF), min_size=1),
    st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
)


def value_or_none(type_: str, value: str) -> str | None:
    """What reading a value by itself comes to, without a name."""
    try:
        return read_identifier(kind=KIND_OF[type_], type=type_, value=value).value
    except MalformedRequest:
        return None


#: Plain values, and what is wrong or unusual in one way or another.
of_a_column = st.one_of(
    st.sampled_from(["jane@example.com", "john.doe+x@mail.example", "+4930123456", "C-72", "two words", "a" * 256]),
    st.sampled_from(
        ["Jane@Example.com", " jane@example.com", "a..b@example.com", "a@example.com\nb@example.com", "", " "]
    ),
    st.sampled_from(
        ["a\x01@example.com", "a@example.com\x7f", "x@" + "d" * 260, "a" * 65 + "@b.example", "+49 30 123456"]
    ),
    st.sampled_from(
        ["am\u00e9lie@example.com", "\u212a@example.com", "a@example.com\u2028", "+0123456789", "a" * 257, "\n"]
    ),
    st.text(max_size=12),
)


@pytest.mark.parametrize("type_", KIND_OF)
@given(values=st.lists(of_a_column, max_size=6))
def test_a_column_is_read_as_its_values_are_one_by_one(type_: str, values: list[str]) -> None:
    assert [value_or_none(type_, value) for value in values] == list(read_values(type_, values))


@given(address=ADDRESS)
def test_case_never_makes_another_person(address: str) -> None:
    try:
        read("email", address)
    except MalformedRequest:
        assume(False)
    assert read("email", address) == read("email", address.lower())


MASKS = {
    "an address": ("email", "jane@example.com", "j•••@example.com"),
    "an address of one letter": ("email", "j@example.com", "j•••@example.com"),
    "a number": ("phone", "+4930123456", "•••• 3456"),
    "a customer number": ("customer_id", "C-100009", "•••• 0009"),
    "one of five": ("customer_id", "C1009", "•••• 1009"),
    "a short one": ("customer_id", "1009", "•••• 09"),
    "a very short one": ("customer_id", "42", "•••• 2"),
    "one letter": ("customer_id", "7", "••••"),
}


@pytest.mark.parametrize(("type_", "value", "mask"), MASKS.values(), ids=MASKS.keys())
def test_a_mask_shows_what_its_owner_recognises(type_: str, value: str, mask: str) -> None:
    assert mask == read(type_, value).masked()


@given(value=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40))
def test_a_mask_never_shows_the_whole_and_never_more_than_four(value: str) -> None:
    shown = read("customer_id", value).masked().removeprefix("••••").removeprefix(" ")
    assert value.endswith(shown)
    assert len(shown) <= 4
    assert len(shown) < len(value)


@given(one=ADDRESS, other=ADDRESS)
def test_a_masked_address_shows_one_letter_of_the_name(one: str, other: str) -> None:
    try:
        first, second = read("email", one), read("email", other[0] + "x@" + one.partition("@")[2])
    except MalformedRequest:
        assume(False)
    same_start = first.value[0] == second.value[0]
    assert same_start == (first.masked() == second.masked())


HANDLES = {
    "as it is": ("john_doe1", "john_doe1"),
    "with an @": ("@John_Doe", "John_Doe"),
    "as long as it may be": ("a" * 15, "a" * 15),
    "one letter": ("_", "_"),
}


@pytest.mark.parametrize(("handle", "expected"), HANDLES.values(), ids=HANDLES.keys())
def test_a_handle_is_read_without_its_sign(handle: str, expected: str) -> None:
    assert expected == read_handle(handle, X)


NO_HANDLES = {
    "nothing": "",
    "a sign only": "@",
    "two signs": "@@john",
    "a sign at the end": "john@",
    "a line break at the end": "john\n",
    "a line break in front": "\njohn",
    "a blank": "john doe",
    "a hyphen": "john-doe",
    "too long": "a" * 16,
    "Cyrillic": "j\u043ehn",
    "fullwidth": "\uff4aohn",
    "the Kelvin sign": "\u212aelvin",
    "the long s": "\u017fam",
    "Arabic digits": "john\u0661",
    "an accent": "jo\u0301hn",
    "letters turned round": "john\u202e",
    "NUL": "john\x00",
}


@pytest.mark.parametrize("handle", NO_HANDLES.values(), ids=NO_HANDLES.keys())
def test_a_handle_is_in_the_platforms_own_grammar_from_end_to_end(handle: str) -> None:
    with pytest.raises(MalformedRequest, match=r"account\.handle"):
        read_handle(handle, X)


NO_IDS = {"nothing": "", "a line break": "12\n", "Arabic digits": "\u0661\u0662", "a sign": "+12", "too long": "1" * 20}


@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS.keys())
def test_an_id_of_x_is_digits(text: str) -> None:
    assert X.id.fullmatch(text) is None


@pytest.mark.parametrize("text", ["", "a b", "a\n", "\u00e9", "a" * 256])
def test_an_id_of_a_provider_is_visible_ascii(text: str) -> None:
    assert OIDC.id.fullmatch(text) is None


@given(text=st.text(max_size=20))
def test_grammars_let_in_ascii_only(text: str) -> None:
    accepted = [grammar for grammar in (X.handle, X.id, OIDC.handle, OIDC.id) if grammar.fullmatch(text)]
    assert not accepted or re.fullmatch(r"[\x21-\x7e]+", text)


SAME = {
    "the same": ("john", "john", True),
    "another case": ("John", "jOHN", True),
    "with and without the sign": ("@john", "john", True),
    "another name": ("john", "johnny", False),
    "an underscore": ("john", "john_", False),
}


@pytest.mark.parametrize(("one", "other", "expected"), SAME.values(), ids=SAME.keys())
def test_case_and_sign_do_not_count_in_a_handle(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected is same_handle(one, other)


@given(handle=st.from_regex(r"@?[A-Za-z0-9_]{1,15}", fullmatch=True))
def test_a_folded_handle_stays_as_it_is(handle: str) -> None:
    assert fold_handle(handle) == fold_handle(fold_handle(handle))
