"""MATCH, sentence by sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from builders import NOON, a_source, a_tag, an_identifier
from policies.world import (
    Row,
    allows,
    another_business_asks,
    asks,
    asks_about_somebody_else,
    consents,
    gives_up,
    names,
    objects,
    offers,
    refuses,
    row,
    signs_in,
    takes_the_objection_back,
    the_notice_changes,
    the_platform_says,
    the_receipt_names_its_notice,
    the_statement_says,
    time_passes,
    what_is_kept,
    withdraws,
)

from broker.core.evidence import FIELDS, REFUSED_ORIGINS, RELATIONSHIPS, Disclosure, Provenance, Source
from broker.core.identifiers import KINDS, Identifier

GIFT, DIRECTORY, BIO = a_tag(), a_tag("public"), a_tag("public", "platform")
OTHER_ADDRESS = an_identifier("jane@work.example")
NO_BASIS, UNEXPECTED = "MATCH-4: no_basis", "MATCH-3: purpose_not_granted"
TOMORROW = NOON + timedelta(days=1)
#: One tag that the terms accept for each ground, and what a match then answers.
GROUNDS = {
    "what the person gave": (GIFT, "MATCH-4a: yes, user_provided"),
    "a public resource": (DIRECTORY, "MATCH-4b1: yes, public"),
    "public data of the platform": (BIO, "MATCH-4b2: yes, public"),
}


def found(kind: str = "directory", **changes: Any) -> Provenance:  # noqa: ANN401 - any field of a source
    """Return a public tag whose source is changed."""
    return citing(a_source(kind, **changes))


def citing(source: Source | None) -> Provenance:
    """Return a public tag of that source."""
    return a_tag("public", source=source)


def refused_as(clauses: str) -> str:
    """Return the answer to an offer that *clauses* refuse."""
    return f"{clauses}: provenance_rejected"


MATCH_1 = [
    *(
        row(
            "MATCH-1", f"a record may be of kind {kind}, as {type_}", names(kind, type_, value, name), answers=": known"
        )
        for kind, types in KINDS.items()
        for type_ in types
        for value, name in [
            {
                "email": ("jane@mailbox.example", None),
                "phone": ("+4930123456", None),
                "other": ("7", "loyalty-card"),
            }.get(type_, ("an-id-of-ours", None))
        ]
    ),
    row("MATCH-1", "a record of no known kind is none", names("soul", "email"), answers="MATCH-1: malformed-request"),
    row("MATCH-1", "another identifier has a name", names("other", "other"), answers=": malformed-request"),
    row("MATCH-1", "a type belongs to its kind", names("device", "email"), answers="MATCH-1: malformed-request"),
    row("MATCH-1", "the association is the only way in: without one there is no match", asks(), answers=NO_BASIS),
    row("MATCH-1", "and out: what was given up ties nothing", consents(), gives_up, asks(), answers=NO_BASIS),
]

MATCH_2 = [
    row("MATCH-2", "consent comes before the association", consents(), asks(), answers="MATCH-2: yes, consent"),
    row(
        "MATCH-2",
        "a consent is there whole, with its receipt",
        allows("customer-care"),
        what_is_kept,
        answers=": 1 consent, 1 receipt",
    ),
    row(
        "MATCH-2",
        "or not at all: one that is undone links nothing",
        allows("customer-care", undone=True),
        asks(),
        answers=NO_BASIS,
    ),
    row(
        "MATCH-2",
        "and leaves nothing",
        allows("customer-care", undone=True),
        what_is_kept,
        answers=": 0 consent, 0 receipt",
    ),
    row(
        "MATCH-2",
        "the receipt names the notice, its version and its digest",
        allows("customer-care"),
        the_receipt_names_its_notice,
        answers=": id, language, sha256, text_sha256, version",
    ),
    row(
        "MATCH-2", "nothing is ticked before the person ticks it", allows(), asks(), answers="MATCH-2: refused-by-terms"
    ),
    row("MATCH-2", "nor anything that was not asked", allows("contact"), asks(), answers="MATCH-2: refused-by-terms"),
    row(
        "MATCH-2",
        "not even beside what was asked",
        allows("customer-care", "contact"),
        asks(),
        answers="MATCH-2: refused-by-terms",
    ),
    row("MATCH-2", "a login alone is no consent", signs_in(), asks(), answers=NO_BASIS),
    row("MATCH-2", "nor is a handle in the signup form", signs_in(handle="their own"), asks(), answers=NO_BASIS),
    row(
        "MATCH-2",
        "but with the notice beside it and the act of allowing",
        consents(handle="their own"),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row("MATCH-2", "a consent is one application's", consents(), another_business_asks, answers=NO_BASIS),
    row("MATCH-2", "and about one record", consents(), asks(identifier=OTHER_ADDRESS), answers=NO_BASIS),
    row("MATCH-2", "and about one account", consents(), asks_about_somebody_else, answers=NO_BASIS),
    row(
        "MATCH-2",
        "and for the purposes that were ticked",
        consents(),
        asks("newsletter"),
        answers="MATCH-2: purpose_not_granted",
    ),
    row(
        "MATCH-2",
        "which a ground beside it does not widen",
        consents(),
        offers(a_tag(expected_purposes=("newsletter",))),
        asks("newsletter"),
        answers="MATCH-2: purpose_not_granted",
    ),
    row("MATCH-2", "a refusal is no consent", refuses(), asks(), answers=NO_BASIS),
    row(
        "MATCH-2",
        "a live consent is one that was not withdrawn",
        consents(),
        withdraws,
        asks(),
        answers="MATCH-2: withdrawn",
    ),
    row(
        "MATCH-2",
        "nor has it come to its end",
        consents(valid_for="P1D"),
        time_passes(days=1),
        asks(),
        answers="MATCH-2: expired",
    ),
    row(
        "MATCH-2",
        "until then it holds",
        consents(valid_for="P1D"),
        time_passes(days=1, microseconds=-1),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "MATCH-2",
        "a purpose that means something else now was not consented to",
        consents(),
        the_notice_changes(customer_care=2),
        asks(),
        answers="MATCH-2: notice_changed",
    ),
    row(
        "MATCH-2",
        "nor is any when the notice itself does",
        consents(),
        the_notice_changes(notice=2),
        asks(),
        answers="MATCH-2: notice_changed",
    ),
    row(
        "MATCH-2",
        "the others stand",
        consents("customer-care", "newsletter"),
        the_notice_changes(newsletter=2),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "MATCH-2",
        "a consent to the new meaning counts",
        consents(),
        the_notice_changes(customer_care=2),
        consents(),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "MATCH-2",
        "and a ground beside it does not stretch the old one",
        consents(),
        offers(GIFT),
        the_notice_changes(customer_care=2),
        asks(),
        answers="MATCH-2: notice_changed",
    ),
    row(
        "MATCH-2",
        "what was withdrawn stays withdrawn",
        consents(),
        withdraws,
        the_notice_changes(customer_care=2),
        asks(),
        answers="MATCH-2: withdrawn",
    ),
    row("MATCH-2", "a new one counts", consents(), withdraws, consents(), asks(), answers="MATCH-2: yes, consent"),
    row("MATCH-2", "an objection does not end it", consents(), objects(), asks(), answers="MATCH-2: yes, consent"),
    row(
        "MATCH-2",
        "it sleeps while the account is gone",
        consents(),
        the_platform_says(gone=True),
        asks(),
        answers="MATCH-2: suspended",
    ),
    row(
        "MATCH-2",
        "for what was not ticked, too",
        consents(),
        the_platform_says(gone=True),
        asks("newsletter"),
        answers="MATCH-2: purpose_not_granted",
    ),
    row(
        "MATCH-2",
        "until it is back",
        consents(),
        the_platform_says(gone=True),
        the_platform_says(),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "MATCH-2",
        "or is proved again",
        consents(),
        the_platform_says(gone=True),
        signs_in(),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "MATCH-2",
        "of another business's consent nobody learns",
        consents(),
        the_platform_says(gone=True),
        another_business_asks,
        answers=NO_BASIS,
    ),
    row(
        "MATCH-2",
        "a withdrawn one is withdrawn, gone or not",
        consents(),
        the_platform_says(gone=True),
        withdraws,
        asks(),
        answers="MATCH-2: withdrawn",
    ),
    row(
        "MATCH-2",
        "that an account is protected does not end it",
        consents(),
        the_platform_says(protected=True),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
]

MATCH_3 = [
    row(
        "MATCH-3",
        "without consent, what a person would expect",
        offers(GIFT),
        asks(),
        answers="MATCH-4a: yes, user_provided",
    ),
    *(
        row(
            "MATCH-3",
            f"a purpose outside what was told is refused: {name}",
            offers(tag),
            asks("newsletter"),
            answers=UNEXPECTED,
        )
        for name, (tag, _) in GROUNDS.items()
    ),
    row(
        "MATCH-3",
        "nor after a consent has come to its end",
        consents(valid_for="P1D"),
        offers(GIFT),
        time_passes(days=2),
        asks("newsletter"),
        answers=UNEXPECTED,
    ),
    row("MATCH-3", "who objected would be surprised", offers(GIFT), objects(), asks(), answers=NO_BASIS),
    row(
        "MATCH-3",
        "so would who protects the account, by a match on public data from elsewhere",
        signs_in(),
        offers(DIRECTORY),
        the_platform_says(protected=True),
        asks(),
        answers="MATCH-3: no_basis",
    ),
    row(
        "MATCH-3",
        "until it is public again",
        signs_in(),
        offers(DIRECTORY),
        the_platform_says(protected=True),
        the_platform_says(protected=False),
        asks(),
        answers="MATCH-4b1: yes, public",
    ),
    row(
        "MATCH-3",
        "the tag carries the purposes, and where the person was told of them",
        offers(GIFT),
        the_statement_says("expected_purposes", "disclosure"),
        answers=": expected_purposes, disclosure",
    ),
    *(
        row(
            "MATCH-3",
            f"a tag without expectations is refused, whole though it is: {name}",
            offers(a_tag(tag.tag, tag.source.kind if tag.source else None, expected_purposes=())),
            answers=refused_as("MATCH-3"),
        )
        for name, (tag, _) in GROUNDS.items()
    ),
    row(
        "MATCH-3",
        "an expectation that nobody knows is none",
        offers(a_tag(expected_purposes=("customer-care", "world-peace"))),
        answers=refused_as("MATCH-3"),
    ),
]

MATCH_4 = [
    row("MATCH-4", "without consent and without a ground there is no match", asks(), answers=NO_BASIS),
    *(
        row("MATCH-4", f"it may rest on {name}", offers(tag), asks(), answers=yes)
        for name, (tag, yes) in GROUNDS.items()
    ),
    row("MATCH-4", "the tag may come with the question", asks(provenance=GIFT), answers="MATCH-4a: yes, user_provided"),
    row("MATCH-4", "no tag is no ground", offers(Provenance(tag="none")), answers=refused_as("MATCH-4 MATCH-3")),
    row(
        "MATCH-4",
        "nor is a source without a tag",
        offers(replace(DIRECTORY, tag="none")),
        answers=refused_as("MATCH-4"),
    ),
    row("MATCH-4", "another tag is none", offers(a_tag("friend_of_a_friend")), answers=refused_as("MATCH-4")),
    row(
        "MATCH-4", "nor beside a question", asks(provenance=a_tag("friend_of_a_friend")), answers=refused_as("MATCH-4")
    ),
    row("MATCH-4", "evidence must not be missing", offers(a_tag(disclosure=None)), answers=refused_as("MATCH-4a")),
    *(
        row("MATCH-4", f"an objection beats {name}", offers(tag), objects(), asks(), answers=NO_BASIS)
        for name, (tag, _) in GROUNDS.items()
    ),
    *(
        row(
            "MATCH-4",
            f"an account that is gone beats {name}",
            signs_in(),
            offers(tag),
            the_platform_says(gone=True),
            asks(),
            answers=NO_BASIS,
        )
        for name, (tag, _) in GROUNDS.items()
    ),
    *(
        row(
            "MATCH-4",
            f"until it is back: {name}",
            signs_in(),
            offers(tag),
            the_platform_says(gone=True),
            the_platform_says(),
            asks(),
            answers=yes,
        )
        for name, (tag, yes) in GROUNDS.items()
    ),
    row("MATCH-4", "also one to this business", offers(GIFT), objects(to_everyone=False), asks(), answers=NO_BASIS),
    row("MATCH-4", "and before the offer", objects(), offers(GIFT), asks(), answers=NO_BASIS),
    row(
        "MATCH-4",
        "until it is taken back",
        offers(GIFT),
        objects(),
        takes_the_objection_back,
        asks(),
        answers="MATCH-4a: yes, user_provided",
    ),
    row("MATCH-4", "a refusal beats it", offers(GIFT), refuses(), asks(), answers=NO_BASIS),
    row(
        "MATCH-4",
        "whatever record it was about",
        offers(DIRECTORY),
        refuses(identifier=OTHER_ADDRESS),
        asks(),
        answers=NO_BASIS,
    ),
    row(
        "MATCH-4",
        "and so does a withdrawal",
        offers(BIO),
        consents(identifier=OTHER_ADDRESS),
        withdraws,
        asks(),
        answers=NO_BASIS,
    ),
    row(
        "MATCH-4",
        "a withdrawn pair is withdrawn, ground or none",
        offers(GIFT),
        consents(),
        withdraws,
        asks(),
        answers="MATCH-2: withdrawn",
    ),
]

MATCH_4A = [
    row(
        "MATCH-4a",
        "what a person gave is theirs to give, protected account or not",
        signs_in(),
        offers(GIFT),
        the_platform_says(protected=True),
        asks(),
        answers="MATCH-4a: yes, user_provided",
    ),
    row(
        "MATCH-4a",
        "given directly, by one who has a relationship",
        offers(GIFT),
        answers="MATCH-4a: yes, user_provided",
    ),
    *(
        row(
            "MATCH-4a",
            f"a relationship is {name}",
            offers(a_tag(relationship=name)),
            answers="MATCH-4a: yes, user_provided",
        )
        for name in RELATIONSHIPS
    ),
    row(
        "MATCH-4a",
        "the statement names application, relationship, channel and date",
        offers(GIFT),
        the_statement_says("stated_by", "relationship", "channel", "collected_at"),
        answers=": stated_by, relationship, channel, collected_at",
    ),
    row(
        "MATCH-4a",
        "a stranger's record does not count",
        offers(a_tag(relationship="passer-by")),
        answers=refused_as("MATCH-4a"),
    ),
    *(
        row(
            "MATCH-4a",
            f"there must be a {name.replace('_', ' ')}",
            offers(a_tag(**{name: None})),
            answers=refused_as("MATCH-4a"),
        )
        for name in ("relationship", "channel", "collected_at", "disclosure")
    ),
    row(
        "MATCH-4a",
        "collected on a day that has come",
        offers(a_tag(collected_at=TOMORROW)),
        answers=refused_as("MATCH-4a"),
    ),
    *(
        row(
            "MATCH-4a",
            f"data that is {origin} is not the person's own word",
            offers(a_tag(origin=origin)),
            answers=refused_as("MATCH-4a"),
        )
        for origin in (*REFUSED_ORIGINS, "brokered", "appended")
    ),
    row(
        "MATCH-4a",
        "bought data that also states no expectation fails for both",
        offers(a_tag(origin="bought", expected_purposes=())),
        answers=refused_as("MATCH-4a MATCH-3"),
    ),
    row(
        "MATCH-4a",
        "so do data without evidence",
        offers(a_tag(channel=None, expected_purposes=())),
        answers=refused_as("MATCH-4a MATCH-3"),
    ),
    row(
        "MATCH-4a",
        "third parties' data stays theirs under another tag",
        offers(a_tag(origin="third_party")),
        offers(GIFT),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "also as public data",
        offers(a_tag("third_party")),
        offers(found(sha256=None)),
        answers=refused_as("MATCH-4a MATCH-4b1"),
    ),
    row(
        "MATCH-4a",
        "what was accepted before is void when the origin comes to light",
        offers(GIFT),
        offers(a_tag(origin="inferred")),
        asks(),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "whatever it had rested on",
        offers(DIRECTORY),
        offers(a_tag(origin="bought")),
        asks(),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "but consent needs no other ground",
        offers(a_tag(origin="bought")),
        consents(),
        asks(),
        answers="MATCH-2: yes, consent",
    ),
]

GUARDED = "https://www.spokeo.com/jane"

MATCH_4A += [
    *(
        row(
            "MATCH-4a",
            f"what {what} shows was not given by the person",
            offers(a_tag(source=a_source("website", url=url))),
            answers=refused_as("MATCH-4a"),
        )
        for what, url in {
            "a people-search broker": GUARDED,
            "a leak": "https://pastebin.com/x",
            "a closed source": "https://club.example/login/members",
        }.items()
    ),
    row(
        "MATCH-4a",
        "nor what anybody can read",
        offers(a_tag(source=a_source())),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "a paper that lies with such a broker was shown to nobody",
        offers(a_tag(disclosure=Disclosure(url=GUARDED, version="3", sha256="0" * 64))),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "and such a source stays with the pair",
        offers(a_tag(source=a_source("website", url=GUARDED))),
        offers(GIFT),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "also where its tag was refused for something else",
        offers(a_tag("hearsay", source=a_source("website", url=GUARDED))),
        offers(GIFT),
        answers=refused_as("MATCH-4a"),
    ),
    *(
        row(
            "MATCH-4a",
            f"a channel that is {channel} says that it was not given",
            offers(a_tag(channel=channel)),
            answers=refused_as("MATCH-4a"),
        )
        for channel in ("bought-list", "data broker", "inferred", "leak")
    ),
    row(
        "MATCH-4a",
        "and is remembered",
        offers(a_tag(channel="bought-list")),
        offers(DIRECTORY),
        answers=refused_as("MATCH-4a"),
    ),
    row(
        "MATCH-4a",
        "an origin that nobody knows is remembered too",
        offers(a_tag(origin="hearsay")),
        offers(GIFT),
        answers=refused_as("MATCH-4a"),
    ),
    *(
        row(
            "MATCH-4a",
            f"and under another name of the record: {name}",
            offers(a_tag(origin="bought")),
            offers(GIFT, identifier=identifier),
            answers=refused_as("MATCH-4a"),
        )
        for name, identifier in {
            "a customer number": Identifier(kind="person", type="customer_id", value="Jane.Canary@mailbox.example"),
            "a household": Identifier(kind="household", type="household_id", value="jane-canary mailbox.example"),
            "one of its own": Identifier(kind="other", type="other", value="janecanarymailboxexample", name="mail"),
        }.items()
    ),
    row(
        "MATCH-4a",
        "but not with another record",
        offers(a_tag(origin="bought")),
        offers(GIFT, identifier=OTHER_ADDRESS),
        answers="MATCH-4a: yes, user_provided",
    ),
    row(
        "MATCH-4a",
        "what could be read only in part is no evidence",
        offers(a_tag(sound=False)),
        answers=refused_as("MATCH-4a"),
    ),
]

MATCH_4B1 = [
    *(
        row(
            "MATCH-4b1",
            f"a {kind} that all can read counts",
            offers(a_tag("public", kind)),
            answers="MATCH-4b1: yes, public",
        )
        for kind in ("directory", "website", "register")
    ),
    *(
        row(
            "MATCH-4b1",
            f"with its {name.replace('_', ' ')}",
            offers(found(**{name: None})),
            answers=refused_as("MATCH-4b1"),
        )
        for name in ("url", "retrieved_at", "sha256")
    ),
    *(
        row(
            "MATCH-4b1",
            f"and no {name.replace('_', ' ')} beside it",
            offers(replace(DIRECTORY, **{name: getattr(GIFT, name)})),
            answers=refused_as("MATCH-4b1"),
        )
        for name in ("relationship", "channel", "collected_at", "disclosure")
    ),
    row(
        "MATCH-4b1",
        "and its kind",
        offers(citing(replace(a_source(), kind="hearsay"))),
        answers=refused_as("MATCH-4b1"),
    ),
    row("MATCH-4b1", "a source must be named", offers(citing(None)), answers=refused_as("MATCH-4b1")),
    row(
        "MATCH-4b1",
        "found on a day that has come",
        offers(found(retrieved_at=TOMORROW)),
        answers=refused_as("MATCH-4b1"),
    ),
    *(
        row("MATCH-4b1", f"not behind or out of {what}", offers(found(url=url)), answers=refused_as("MATCH-4b1"))
        for what, url in {
            "a login": "https://architects.example/login/members",
            "a paywall": "https://news.example/premium/jane",
            "a leak": "https://files.example/breach-2026/jane",
            "a people-search broker": "https://www.spokeo.com/jane",
            "such a broker in another country": "https://www.spokeo.co.uk/jane",
            "a mirror of one": "https://viewer.example/?u=https://spokeo.com/jane",
            "what is read behind a login only": "https://www.linkedin.com/in/jane",
            "a number": "https://10.0.0.5/jane",
        }.items()
    ),
    *(
        row("MATCH-4b1", f"nor {origin}", offers(a_tag("public", origin=origin)), answers=refused_as("MATCH-4b1"))
        for origin in (*REFUSED_ORIGINS, "brokered")
    ),
    row(
        "MATCH-4b1",
        "a closed source taints the pair",
        offers(found(url="https://www.spokeo.com/jane")),
        offers(BIO),
        answers=refused_as("MATCH-4a"),
    ),
]

MATCH_4B2 = [
    row(
        "MATCH-4b2",
        "what a protected account shows is not public",
        signs_in(),
        offers(BIO),
        the_platform_says(protected=True),
        asks(),
        answers="MATCH-4b2: no_basis",
    ),
    row(
        "MATCH-4b2",
        "until it is public again",
        signs_in(),
        offers(BIO),
        the_platform_says(protected=True),
        the_platform_says(protected=False),
        asks(),
        answers="MATCH-4b2: yes, public",
    ),
    *(
        row(
            "MATCH-4b2",
            f"the {field.replace('_', ' ')} is public",
            offers(found("platform", field=field, post_id="1234" if field == "post" else None)),
            answers="MATCH-4b2: yes, public",
        )
        for field in FIELDS
    ),
    row("MATCH-4b2", "a match may rest on it", offers(BIO), asks(), answers="MATCH-4b2: yes, public"),
    row("MATCH-4b2", "the field must be named", offers(found("platform", field=None)), answers=refused_as("MATCH-4b2")),
    row(
        "MATCH-4b2",
        "a message is no field",
        offers(found("platform", field="direct_message")),
        answers=refused_as("MATCH-4b2"),
    ),
    row(
        "MATCH-4b2",
        "nor is a list of followers",
        offers(found("platform", field="followers")),
        answers=refused_as("MATCH-4b2"),
    ),
    row("MATCH-4b2", "a post has its id", offers(found("platform", field="post")), answers=refused_as("MATCH-4b2")),
    row(
        "MATCH-4b2", "and nothing else has", offers(found("platform", post_id="1234")), answers=refused_as("MATCH-4b2")
    ),
    row("MATCH-4b2", "there is a date", offers(found("platform", retrieved_at=None)), answers=refused_as("MATCH-4b2")),
    *(
        row(
            "MATCH-4b2",
            f"{what} is not public",
            offers(a_tag("public", "platform", origin=origin)),
            answers=refused_as("MATCH-4b2"),
        )
        for what, origin in {
            "a protected account": "restricted",
            "what was leaked": "leaked",
            "a guess": "inferred",
        }.items()
    ),
]

ROWS: list[Row] = [*MATCH_1, *MATCH_2, *MATCH_3, *MATCH_4, *MATCH_4A, *MATCH_4B1, *MATCH_4B2]
