"""A person is erased: what stands is withdrawn, businesses are told, and what is known here is destroyed.

All of it is one transaction. The journal is written last and before that transaction commits: until then nothing has
happened, and from then on it will, here or when the journal is replayed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.find_traces import Traces
from broker.actions.withdraw_consent import BY_ERASURE, withdraw_all
from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import EVERYONE
from broker.errors import BadConfiguration, NotFound, Unavailable
from broker.proof.erasure import PERSON, CertificateClaims, sign_certificate
from broker.proof.journal import Entry, append_entry
from broker.proof.receipt import ACCOUNT, leaf_data
from broker.proof.sdjwt import SALT_SIZE, Disclosure, SdJwt, disclose
from broker.store.consents import list_consents
from broker.store.erasing import Erased, Erasure, erase_rows, hold_people, save_erasure
from broker.store.events import save_event
from broker.store.flows import drop_pushed
from broker.store.objections import object_to
from broker.store.transaction import Transaction

#: What a business is told, of each consent it ever held.
EVENT = "account-erased"
_WHY = "erasure"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Order:
    """Whose act it is, the person's or, on a letter of theirs, an operator's; ``who`` and ``why`` stay here.

    ``objects``: the person goes on refusing all matching, for which digests of the account and its handle stay.
    """

    erasure_id: str
    by: str = PERSON
    who: str = PERSON
    why: str | None = None
    objects: bool = False


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done. ``first`` is False when somebody else did it meanwhile: then it must be undone."""

    certificate: SdJwt
    erased: Erased
    first: bool


def erase_person(tx: Transaction, broker: Broker, traces: Traces, order: Order) -> SdJwt:
    """Erase whoever *traces* are of; return the certificate that they alone get, or raise :class:`Unavailable`.

    Nothing may be done in *tx* afterwards: the journal says by then that it will be done.
    """
    generations = hold_people(tx, traces.names)
    done = carry_out(tx, broker, traces, order)
    if not any((*done.erased.destroyed.values(), *done.erased.kept.values())):
        raise NotFound("nothing is known here of that account")
    entry = Entry(
        erasure_id=order.erasure_id,
        at=broker.now(),
        by=order.by,
        objects=order.objects,
        generations=tuple(sorted(generations.values())),
    )
    _write_down(broker, entry)
    return done.certificate


def carry_out(tx: Transaction, broker: Broker, traces: Traces, order: Order, *, replayed: bool = False) -> Done:
    """Do in the database what an erasure is."""
    withdrawn = sum(withdraw_all(tx, broker, account=account, method=BY_ERASURE) for account in traces.accounts)
    _tell(tx, broker, traces)
    drop_pushed(tx, traces.asked_for, store=broker.sealer)
    erased = erase_rows(tx, traces.names, erasure_id=order.erasure_id, new_account=lambda: broker.random(DIGEST_SIZE))
    for digest in traces.objecting if order.objects else ():
        object_to(tx, digest, EVERYONE, why=_WHY, now=broker.now())
    claims = _claims(broker, order, erased, withdrawn=withdrawn, replayed=replayed)
    certificate = sign_certificate(claims, _account(broker, traces), broker.keys.receipts)
    on_record = Erasure(
        erasure_id=order.erasure_id,
        who=order.who,
        why=order.why,
        jwt=certificate.jwt,
        leaf=leaf_data(certificate.jwt),
        erased_at=claims.issued_at,
    )
    return Done(certificate=certificate, erased=erased, first=save_erasure(tx, on_record))


def _tell(tx: Transaction, broker: Broker, traces: Traces) -> None:
    """Tell every business of every consent that it ever held of the person: by its receipt, which it knows.

    Each telling is a transaction of its own to its reader: one that all shared would show two businesses that the
    person is the same.
    """
    for account in traces.accounts:
        for record in list_consents(tx, account):
            save_event(
                tx,
                event_id=broker.new_id(),
                account=account,
                client_id=record.client_id,
                kind=EVENT,
                grant_id=record.grant_id,
                receipt_id=record.receipt_id,
                given_id=record.receipt_id,
                txn=broker.new_id(),
                now=broker.now(),
            )


def _claims(broker: Broker, order: Order, erased: Erased, *, withdrawn: int, replayed: bool) -> CertificateClaims:
    return CertificateClaims(
        certificate_id=broker.new_id(),
        erasure_id=order.erasure_id,
        issued_at=broker.now(),
        broker=broker.party,
        by=order.by,
        objects=order.objects,
        withdrawn=withdrawn,
        destroyed={name: count for name, count in erased.destroyed.items() if count},
        kept={name: count for name, count in erased.kept.items() if count},
        entries=erased.entries,
        storage_epoch=broker.sealer.epoch,
        replayed=replayed,
    )


def _account(broker: Broker, traces: Traces) -> Disclosure:
    """The account, salted. The salt is kept nowhere: what stays of this leads to the account by no search."""
    named = {"platform": traces.platform, "id": traces.account_id, "handles": sorted(traces.written)}
    value = {name: it for name, it in named.items() if it}
    return disclose(ACCOUNT, value, salt=broker.random(SALT_SIZE))


def _write_down(broker: Broker, entry: Entry) -> None:
    try:
        append_entry(broker.log.marks, entry)
    except BadConfiguration as error:
        log.critical("nobody can be erased: %s", error.detail)
        raise Unavailable(
            "the store did not finish; whether it was recorded is not known, so look again before you repeat it"
        ) from error
