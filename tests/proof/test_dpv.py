"""What a receipt says in the terms of the Data Privacy Vocabulary: whole by the guide, and readable by strangers."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from builders import the_keys
from hypothesis import given
from hypothesis import strategies as st
from proof.dpv_terms import DPV, KINDS, LOCATION, OTHERS, PROPERTIES, THINGS
from proof.dpv_terms import PURPOSES as PURPOSE_TERMS
from pyshacl import validate
from rdflib import SH, Graph, URIRef
from rdflib.compare import isomorphic
from vectors.make import FOLDER, JANE, claims_of

from broker.core.consent import ConsentStatus
from broker.core.purposes import PURPOSES
from broker.errors import MalformedRequest
from broker.proof.dpv import dpv_of, in_dpv
from broker.proof.receipt import NoticeRef, Party, ReceiptClaims, sign_receipt
from broker.proof.sdjwt import parse, payload_of

#: The readers of strangers use names of their own that are on their way out.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore::DeprecationWarning:pyshacl")
SHAPE = Path(__file__).parents[2] / "schemas" / "dpv-consent-receipt.ttl"
STATES = [status for status in ConsentStatus if status is not ConsentStatus.REQUESTED]
ADDRESS = "1 Example Street, 10115 Berlin, Germany"


def whole(status: ConsentStatus = ConsentStatus.GIVEN, **changes: Any) -> ReceiptClaims:  # noqa: ANN401 - any field of it
    """Return a receipt in which everything is said that can be."""
    vector = claims_of(status, JANE[2])
    notice = NoticeRef(**{**vars(vector.notice), "id": "https://consent.example/notices/off-platform-match/1"})
    vector = replace(
        vector,
        notice=notice,
        client=replace(vector.client, address=ADDRESS),
        broker=replace(vector.broker, address=ADDRESS),
    )
    return replace(vector, **changes)


def payload(claims: ReceiptClaims) -> dict[str, Any]:
    """Sign a receipt and read what was signed."""
    return payload_of(sign_receipt(claims, JANE, the_keys().receipts).jwt)


def by(status: ConsentStatus, who: str) -> ReceiptClaims:
    """Return the receipt of an event that somebody caused."""
    return whole(status, event=replace(whole(status).event, by=who))


#: Receipts of every kind there is.
KINDS_OF_RECEIPT = {
    **{f"of a consent that was {status.value}": whole(status) for status in STATES},
    "for every purpose": whole(purposes=tuple(PURPOSES), purpose_texts={}),
    "for a purpose of the client's own": whole(purposes=("bike-care",), narrower={"bike-care": "customer-care"}),
    "of a brand": whole(brand="Wheels"),
    "of a withdrawal by link": by(ConsentStatus.WITHDRAWN, "link"),
    "of a consent that a client gave up": by(ConsentStatus.REVOKED, "client"),
    "of a consent that ended at its date": by(ConsentStatus.EXPIRED, "broker"),
    "in another language": whole(notice=replace(whole().notice, language="de")),
    "of a business that is called, and a broker that is opened": whole(
        client=Party(id="https://northwind.example", name="Nörd", contact="tel:+49 30 1234", address=ADDRESS),
        broker=Party(id="https://consent.example", name="B", contact="https://consent.example/us", address=ADDRESS),
    ),
}  # fmt: skip
EVERY_KIND = pytest.mark.parametrize("claims", KINDS_OF_RECEIPT.values(), ids=KINDS_OF_RECEIPT.keys())


@cache
def shape() -> Graph:
    """Read the shape once a run."""
    return Graph().parse(SHAPE, format="turtle")


def graph_of(document: str) -> Graph:
    """Read linked data as a stranger does."""
    return Graph().parse(data=document, format="json-ld")


def lacks(graph: Graph) -> list[str]:
    """Return what the shape misses, by the names that it has for what it asks."""
    holds, report, _ = validate(graph, shacl_graph=shape())
    sources = set(report.objects(None, SH.sourceShape))
    named = {str(name) for graph in (report, shape()) for source in sources for name in graph.objects(source, SH.name)}
    assert holds is (not named)
    return sorted(named)


@EVERY_KIND
def test_a_receipt_says_everything_that_the_guide_asks(claims: ReceiptClaims) -> None:
    assert [] == lacks(graph_of(in_dpv(payload(claims))))


def test_without_a_postal_address_that_alone_is_missing() -> None:
    """A business need not give one; the guide asks for it, and nothing is made up in its place."""
    claims = whole(client=replace(whole().client, address=None))
    assert ["8.4.4.1 postal address"] == lacks(graph_of(in_dpv(payload(claims))))


#: The sections of the guide that say "This field MUST be present", read from it by hand.
MUST = {
    "8.1.1", "8.1.2", "8.1.3", "8.2.1", "8.2.2", "8.3.1", "8.3.2", "8.3.3", "8.3.3.1", "8.3.4.2", "8.3.5", "8.3.7",
    "8.3.8", "8.3.9", "8.3.10", "8.4.1", "8.4.2", "8.4.3", "8.4.4", "8.4.4.1", "8.5.1", "8.5.2", "8.5.3", "8.5.4",
    "8.5.5", "9.1.1", "9.1.2", "9.1.3", "9.1.4",
}  # fmt: skip


def test_the_shape_asks_for_each_field_that_must_be_present() -> None:
    asked = {part for name in shape().objects(None, SH.name) for part in re.findall(r"\d+(?:\.\d+)+", str(name))}
    assert asked >= MUST


Path_ = tuple[str | int, ...]


def members(value: object, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the way to every member of a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in pairs:
        yield (*path, name)
        yield from members(entry, (*path, name))


def without(document: dict[str, Any], path: Path_) -> dict[str, Any]:
    """Return the document without one member."""
    copy = json.loads(json.dumps(document))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return dict(copy)


#: What may be left out of a receipt by the guide; all the rest must be missed.
OPTIONAL = {
    "dct:publisher", "dct:replaces", "dpv:hasDataProcessor", "dpv:hasNecessity", "dpv:hasProcessing",
    "dpv:hasDataSource", "dpv:hasIndicationMethod", "dct:description", "schema:version",
}  # fmt: skip


def test_whatever_is_left_out_of_what_the_guide_asks_is_missed() -> None:
    """The shape itself is shown to be red for each of its demands: one graph of receipts that each lack one member."""
    document = dpv_of(payload(whole(purposes=("customer-care",))))
    context, lacking = document.pop("@context"), []
    for number, path in enumerate(members(document)):
        if not OPTIONAL & set(map(str, path)):
            text = json.dumps(without(document, path))
            lacking.append(json.loads(text.replace(".example", f"-{number}.example")))
    graph = graph_of(json.dumps({"@context": context, "@graph": lacking}))
    assert {str(name) for name in shape().objects(None, SH.name)} == set(lacks(graph))


@EVERY_KIND
def test_every_name_is_one_of_the_vocabulary(claims: ReceiptClaims) -> None:
    graph = graph_of(in_dpv(payload(claims)))
    used = {str(name) for triple in graph for name in triple if isinstance(name, URIRef)}
    own = {name for name in used if name.startswith(("https://consent.example", "https://northwind.example"))}
    properties = {str(name) for name in graph.predicates()}
    assert properties <= OTHERS | {f"{DPV}{name}" for name in PROPERTIES}
    assert [] == sorted(name for name in used - own - properties - THINGS - KINDS if not LOCATION.fullmatch(name))


def test_every_name_of_the_table_is_used() -> None:
    """What nobody says any more is taken out of the table: it is compared with each release of the vocabulary."""
    used: set[str] = set()
    for claims in [*KINDS_OF_RECEIPT.values(), whole(location="somewhere")]:
        used |= {str(name) for triple in graph_of(in_dpv(payload(claims))) for name in triple}
    assert set() == (THINGS | OTHERS | KINDS | {f"{DPV}{name}" for name in PROPERTIES}) - used
    assert PURPOSE_TERMS == {purpose.term for purpose in PURPOSES.values()}


@pytest.mark.parametrize("form", ["json-ld", "turtle", "nt", "xml"])
def test_the_same_is_said_after_a_round_trip(form: str) -> None:
    for claims in (whole(), whole(ConsentStatus.REFUSED)):
        graph = graph_of(in_dpv(payload(claims)))
        assert isomorphic(graph, Graph().parse(data=graph.serialize(format=form), format=form))


def test_linked_data_is_read_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody was called")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    document = in_dpv(payload(whole()))
    assert len(graph_of(document)) > 80
    assert isinstance(json.loads(document)["@context"], dict)


def test_who_the_person_is_and_what_they_read_is_left_out() -> None:
    document = in_dpv(payload(whole()))
    assert [] == [word for word in ("jane", "2244994945", "May Northwind") if word in document]


def told(status: ConsentStatus, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of it
    """Return what is said of an event."""
    record = dpv_of(payload(whole(status, **changes)))["dpv:hasRecordOfActivity"]
    assert isinstance(record, dict)
    return dict(record)


def test_a_consent_holds_until_its_date_and_an_end_for_ever() -> None:
    given = told(ConsentStatus.GIVEN)["dpv:hasConsentStatus"]
    assert ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"] == given["@type"]
    assert "2027-11-23T12:00:00Z" == given["dpv:hasDuration"]["rdf:value"]["@value"]
    for status in STATES[1:]:
        ended = told(status)["dpv:hasConsentStatus"]
        assert (status.dpv, {"@type": "dpv:EndlessDuration"}) == (ended["@type"], ended["dpv:hasDuration"])


def test_of_what_was_refused_nothing_is_stored_and_on_no_basis() -> None:
    (process, *_) = told(ConsentStatus.REFUSED)["dpv:hasProcess"]
    place, duration = process["dpv:hasStorageCondition"]
    assert (["loc:EU"], "P0D") == (place["dpv:hasLocation"], duration["dpv:hasDuration"]["rdf:value"]["@value"])
    assert "dpv:hasLegalBasis" not in process


@pytest.mark.parametrize(
    ("act_of", "who"),
    [
        ("person", "https://consent.example/v1/grants/the-grant#data-subject"),
        ("client", "https://northwind.example/"),
        ("broker", "https://consent.example"),
        ("link", {"@type": "dpv:Entity", "dct:description": {"@value": "whoever held the receipt", "@language": "en"}}),
    ],
)
def test_whose_act_it_was_is_said_as_far_as_it_is_known(act_of: str, who: object) -> None:
    event = replace(whole(ConsentStatus.WITHDRAWN).event, by=act_of)
    assert who == told(ConsentStatus.WITHDRAWN, event=event)["dpv:hasConsentStatus"]["dpv:isIndicatedBy"]


#: What cannot be said so that it would be read as it was meant.
ODD: dict[str, Callable[[dict[str, Any]], object]] = {
    "no record": lambda it: it.pop("record"),
    "a purpose that is none": lambda it: it["record"]["processing"][0].update(purpose="https://elsewhere.example"),
    "a purpose of another vocabulary": lambda it: it["record"]["processing"][0].update(purpose="foaf:knows"),
    "a member of JSON-LD for a purpose": lambda it: it["record"]["processing"][0].update(purpose="@graph"),
    "a right that is none": lambda it: it["record"].update(rights=["_:right"]),
    "an issuer that is no address": lambda it: it.update(iss="javascript:alert(1)"),
    "an address with a blank": lambda it: it["record"]["withdrawal"].update(uri="https://consent.example/a b"),
    "an address that closes a name": lambda it: it["record"]["parties"][0].update(id="https://a.example/> <b"),
    "three parties": lambda it: it["record"]["parties"].append(it["record"]["parties"][0]),
    "a party that is text": lambda it: it["record"].update(parties=["a", "b"]),
    "a time that is text": lambda it: it.update(iat="now"),
    "purposes that are an object": lambda it: it["record"].update(processing={}),
    "a list where text belongs": lambda it: it["record"]["notice"].update(language=["en"]),
    "a word among the operations that is none": lambda it: it["record"]["processing"][0].update(operation=[7]),
}


@pytest.mark.parametrize("spoil", ODD.values(), ids=ODD.keys())
def test_what_is_no_receipt_is_not_told(spoil: Callable[[dict[str, Any]], object]) -> None:
    odd = json.loads(json.dumps(payload(whole())))
    spoil(odd)
    with pytest.raises(MalformedRequest):
        in_dpv(odd)


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)


@given(st.data())
def test_whatever_stands_in_a_payload_it_is_told_or_refused(data: st.DataObject) -> None:
    claims = json.loads(json.dumps(payload_of(parse((FOLDER / "receipt-given.sd-jwt").read_text()).jwt)))
    path = data.draw(st.sampled_from(list(members(claims))))
    inner = claims
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = data.draw(
        SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)
    )
    try:
        document = in_dpv(claims)
    except MalformedRequest:
        return
    assert "dpv:ConsentReceipt" == json.loads(document)["@type"]
