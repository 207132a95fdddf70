"""What allowed, or did not allow, one client one account on one day: put together as a file that anybody can check.

Nothing is written. What the log does not hold yet cannot be shown, and is asked for again a few seconds later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.actions.broker import Broker
from broker.actions.dossier_grounds import Inquiry, Pair, grounds_ever, pair_of_inquiry
from broker.actions.dossier_terms import answers, terms_of_day
from broker.actions.prove_leaf import prove_leaf
from broker.errors import CommandRefused, NotFound
from broker.proof.dossier import SHEETS, Dossier, DossierClaims, Proved, sign_dossier
from broker.proof.dossier_parts import DecisionPart, GroupPart, SheetPart
from broker.proof.merkle import leaf_hash, prove_inclusion, root_of
from broker.proof.receipt import ACCOUNT, IDENTIFIER
from broker.proof.sdjwt import SALT_SIZE, Disclosure, assemble, disclose, encode
from broker.store.dossiers import BatchOfEntries, ChainedRow, decisions_of_day, read_batch_of
from broker.store.people import find_sealer, pairwise_name
from broker.store.retaining import kept_since
from broker.store.sheets_shown import ShownSheet, sheets_of_day
from broker.store.transaction import Transaction

_NOTHING = (
    "nothing can be told: up to that day this client neither asked about this account nor held anything of it, or the"
    " person was erased"
)


def gather_dossier(tx: Transaction, broker: Broker, inquiry: Inquiry) -> Dossier:
    """Put everything together, or raise :class:`NotFound` where nothing can be told."""
    pair = pair_of_inquiry(tx, broker, inquiry)
    decisions, sheets = _decisions(tx, broker, inquiry, pair)
    grounds = list(grounds_ever(tx, broker, inquiry, pair))
    if not decisions and not sheets and not grounds:
        raise NotFound(_NOTHING)
    told = [*(found.row["row"] for found in decisions), *(answer for sheet in sheets for answer in sheet.answers)]
    terms = terms_of_day(tx, inquiry, {str(answer["policy_digest"]) for answer in told})
    chained, batches = _in_batches(tx, [*decisions, *(sheet.chained for sheet in sheets)])
    parts, shown = chained[: len(decisions)], chained[len(decisions) :]
    proofs = [proof for ground in grounds for proof in ground.proofs]
    sealer = find_sealer(tx, broker.sealer, pair.account)
    records = [ground.record for ground in grounds if ground.record is not None]
    claims = DossierClaims(
        issuer=broker.issuer,
        dossier_id=broker.new_id(),
        issued_at=broker.now(),
        pairwise=pairwise_name(sealer, inquiry.client.client_id) if sealer else "",
        client_id=inquiry.client.client_id,
        asked=_asked(inquiry, pair, terms.in_force.ref.digest if terms.in_force else None),
        parts={**_listed(parts, shown), "evidence": [encode(it.leaf) for it in proofs], "policies": list(terms.texts)},
        standing=[ground.standing for ground in grounds],
        answers=answers(tx, broker, inquiry, records, terms.in_force),
    )
    signed = sign_dossier(claims, _disclosures(broker, inquiry), broker.keys.receipts)
    return Dossier(
        statement=_shown(signed.jwt, [entry.encoded for entry in signed.disclosures], inquiry),
        decisions=parts,
        sheets=[_sheet(part, sheet) for part, sheet in zip(shown, sheets, strict=True)],
        batches=batches,
        evidence=[_in_log(tx, _shown(proof.jwt, proof.disclosures, inquiry), proof.leaf) for proof in proofs],
        policies=list(terms.texts.values()),
        jwks=broker.keys.jwks(),
        vkeys=broker.log.vkeys,
    )


def _require_kept(tx: Transaction, inquiry: Inquiry) -> None:
    """That nothing was answered must not be said of a day whose answers were dropped."""
    since = kept_since(tx)
    if since is not None and inquiry.begins < since:
        raise CommandRefused(f"what was answered before {since:%Y-%m-%d} is no longer kept, and cannot be shown")


def _asked(inquiry: Inquiry, pair: Pair, policy: str | None) -> dict[str, object]:
    return {
        "platform": inquiry.platform,
        "accounts": [encode(name) for name in pair.names],
        "identifier": None if pair.identifier is None else encode(pair.identifier),
        "day": f"{inquiry.begins:%Y-%m-%d}",
        "policy": policy,
    }


def _decisions(
    tx: Transaction, broker: Broker, inquiry: Inquiry, pair: Pair
) -> tuple[list[ChainedRow], list[ShownSheet]]:
    """What was answered on that day: by itself, and in sheets."""
    _require_kept(tx, inquiry)
    asked: dict[str, Any] = {
        "key": broker.database.row_key,
        "begins": inquiry.begins,
        "ends": inquiry.ends,
        "identifier": pair.identifier,
    }
    client_id = inquiry.client.client_id
    return decisions_of_day(tx, pair.names, client_id, **asked), sheets_of_day(tx, pair.names, client_id, **asked)


def _in_batches(tx: Transaction, decisions: Sequence[ChainedRow]) -> tuple[list[DecisionPart], list[Proved]]:
    """Decisions with their ways into their batches, and those batches."""
    batches: dict[int, BatchOfEntries] = {}
    parts = []
    for found in decisions:
        if found.batch is None or found.position is None:
            raise CommandRefused(f"decision {found.name} is not chained into the log yet; ask again in a moment")
        if found.batch not in batches:
            batches[found.batch] = read_batch_of(tx, found.batch)
        parts.append(_part(found, found.position, batches[found.batch]))
    return parts, [_in_log(tx, batch.jwt, batch.leaf) for batch in batches.values()]


def _part(found: ChainedRow, position: int, batch: BatchOfEntries) -> DecisionPart:
    hashes = [leaf_hash(digest) for digest in batch.digests]

    def subtree(level: int, index: int) -> bytes:
        return root_of(hashes[index << level : (index + 1) << level])

    way = prove_inclusion(position, len(hashes), subtree)
    return DecisionPart(row=found.row, salt=found.salt, batch=batch.leaf, index=position, hashes=way)


def _listed(decisions: Sequence[DecisionPart], sheets: Sequence[DecisionPart]) -> dict[str, list[str]]:
    """Answers by the digests of their rows; sheets only where there are any."""
    named = {"decisions": decisions, **({SHEETS: sheets} if sheets else {})}
    return {name: [encode(part.digest) for part in parts] for name, parts in named.items()}


def _sheet(part: DecisionPart, sheet: ShownSheet) -> SheetPart:
    return SheetPart(part, [GroupPart(*found) for found in sheet.groups])


def _shown(jwt: str, disclosures: Sequence[str], inquiry: Inquiry) -> str:
    return assemble(jwt, () if inquiry.redacted else disclosures)


def _in_log(tx: Transaction, text: str, leaf: bytes) -> Proved:
    proof = prove_leaf(tx, leaf)
    if proof is None:
        raise CommandRefused("not all of it is in a published checkpoint yet; ask again in a few seconds")
    return Proved(text=text, proof=proof)


def _disclosures(broker: Broker, inquiry: Inquiry) -> list[Disclosure]:
    named = {"platform": inquiry.platform, "id": inquiry.account_id, "handle": inquiry.handle}
    values: list[tuple[str, object]] = [(ACCOUNT, {name: value for name, value in named.items() if value})]
    if inquiry.identifier is not None:
        given = {name: value for name, value in vars(inquiry.identifier).items() if value is not None}
        values.append((IDENTIFIER, given))
    return [disclose(name, value, salt=broker.random(SALT_SIZE)) for name, value in values]
