"""Checking a dossier offline, in numbered steps that follow those of its signed statement.

 7. parts       what is in the file is what the statement lists, no more and no less
 8. evidence    each receipt and provenance statement verifies by its own steps, and is of the statement's client
 9. decisions   each row and salt give the digest that its batch was signed over, and is of that client, pair and day;
                each sheet's row, too, and its groups are those whose digests it has
10. policies    each document has the digest by which decisions and statement name it
11. grounds     each permit rests on a receipt of its grant, in time; what the statement says of consents, receipts say
12. inclusion   the proofs lead from each batch, receipt and statement to a tree of the log
13. checkpoint  those trees are signed by one of the caller's verifier keys, under the log's own name
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from broker.core.consent import ConsentStatus
from broker.errors import BrokerError
from broker.proof.batch import TYP as BATCH
from broker.proof.batch import Batch, read_batch
from broker.proof.bundle import Bundle
from broker.proof.claims import StepFailed
from broker.proof.dossier import SHEETS, Dossier, is_dossier, parse_dossier, text_digest
from broker.proof.dossier_claims import DOSSIER, Claims, day_of
from broker.proof.dossier_parts import DecisionPart, SheetPart, answers_of
from broker.proof.merkle import ProofFailed, check_inclusion, leaf_hash
from broker.proof.note import NoteFailed, Verifier
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import encode, payload_of
from broker.proof.signatures import check_signature
from broker.proof.verify import STEPS, Step, Verdict, check_origin, verify_as, verify_evidence

DOSSIER_STEPS = ("parts", "evidence", "decisions", "policies", "grounds", "inclusion", "checkpoint")
_GIVEN, _CONSENT = ConsentStatus.GIVEN.dpv, "consent"
_TABLE = "decisions"


def verify_file(text: str, *, jwks: Mapping[str, object] | None, vkeys: Sequence[Verifier] = ()) -> Verdict:
    """Check whatever the file is: a dossier, a bundle, a receipt or a provenance statement."""
    if not is_dossier(text):
        return verify_evidence(text, jwks=jwks, vkeys=vkeys)
    try:
        dossier = parse_dossier(text)
    except BrokerError as failure:
        return Verdict((Step(1, "form", ok=False, detail=failure.detail),), {}, {})
    verdict = verify_as(dossier.statement, (DOSSIER,), jwks=jwks)
    if not verdict.holds:
        return verdict
    check = _Check(dossier, verdict.payload, jwks, vkeys)
    steps = list(verdict.steps)
    for number, name in enumerate(DOSSIER_STEPS, len(STEPS) + 1):
        try:
            detail = getattr(check, name)()
        except (KeyError, TypeError, AttributeError) as failure:
            wrong = f"a part is not as it should be ({type(failure).__name__})"
            return Verdict((*steps, Step(number, name, ok=False, detail=wrong)), {}, {})
        except (StepFailed, BrokerError, ProofFailed, NoteFailed, ValueError) as failure:
            return Verdict((*steps, Step(number, name, ok=False, detail=str(failure))), {}, {})
        steps.append(
            Step(number, name, ok=None if detail is None else True, detail=detail or "no verifier keys were given")
        )
    return Verdict(tuple(steps), verdict.payload, verdict.disclosed, revoked=check.revoked)


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as error:
        raise StepFailed(f"{text!r} is no time") from error


class _Check:
    """The steps, in order."""

    def __init__(
        self, dossier: Dossier, claims: Claims, jwks: Mapping[str, object] | None, vkeys: Sequence[Verifier]
    ) -> None:
        self.dossier, self.claims, self.jwks, self.vkeys = dossier, claims, jwks, vkeys
        self.said: Claims = claims["dossier"]
        self.receipts: list[Claims] = []
        self.statements: list[Claims] = []
        self.answers: list[Claims] = []
        self.revoked = False

    def parts(self) -> str:
        listed, whole = self.said["parts"], self.dossier
        found = {
            "decisions": [encode(part.digest) for part in whole.decisions],
            "evidence": [encode(_leaf(part.text)) for part in whole.evidence],
            "policies": [text_digest(text) for text in whole.policies],
        }
        if whole.sheets or SHEETS in listed:
            found[SHEETS] = [encode(part.chained.digest) for part in whole.sheets]
        for name, digests in found.items():
            if digests != listed.get(name):
                raise StepFailed(f"the {name} are not those that the statement lists")
        return "all that the statement lists, and nothing else"

    def evidence(self) -> str:
        for part in self.dossier.evidence:
            bundle = Bundle(evidence=part.text, proof=part.proof)
            verdict = verify_evidence(str(bundle), jwks=self.jwks)
            if not verdict.holds:
                failed = verdict.steps[-1]
                raise StepFailed(f"{failed.name} of a receipt or statement: {failed.detail}")
            if (verdict.payload["aud"], verdict.payload["iss"]) != (self.claims["aud"], self.claims["iss"]):
                raise StepFailed(f"{verdict.payload['jti']} is of another client or broker")
            if "record" in verdict.payload and verdict.payload["sub"] != self.claims["sub"]:
                raise StepFailed(f"receipt {verdict.payload['jti']} is another person's")
            self.revoked |= verdict.revoked
            (self.receipts if "record" in verdict.payload else self.statements).append(verdict.payload)
        return f"{len(self.receipts)} receipts, {len(self.statements)} provenance statements"

    def decisions(self) -> str:
        whole = self.dossier
        batches = self._batches({part.batch for part in (*whole.decisions, *(it.chained for it in whole.sheets))})
        for decision in whole.decisions:
            self._check_decision(self._row(decision, _TABLE, batches))
        for sheet in whole.sheets:
            self._check_sheet(sheet, self._row(sheet.chained, SHEETS, batches))
        return f"{len(self.answers)} decisions in {len(batches)} batches"

    def _batches(self, chained: set[bytes]) -> Mapping[bytes, Batch]:
        batches: dict[bytes, Batch] = {}
        for part in self.dossier.batches:
            leaf = _leaf(part.text)
            if self.jwks is not None:
                end = check_signature(part.text, typ=BATCH, jwks=self.jwks, index=part.proof.index)
                self.revoked |= end is not None
            if payload_of(part.text).get("iss") != self.claims["iss"]:
                raise StepFailed("a batch is of another broker")
            if leaf not in chained:
                raise StepFailed("a batch chains none of the decisions")
            batches[leaf] = read_batch(part.text)
        return batches

    def _row(self, part: DecisionPart, table: str, batches: Mapping[bytes, Batch]) -> Claims:
        """A row that its batch was signed over, of the statement's client and day."""
        if part.batch not in batches:
            raise StepFailed("the batch of a decision is not there")
        batch = batches[part.batch]
        check_inclusion(leaf_hash(part.digest), part.index, batch.entries, part.hashes, batch.root)
        row: Claims | None = part.row.get("row")
        if part.row.get("table") != table or not isinstance(row, dict):
            raise StepFailed("a row is none of a decision")
        begins, ends = day_of(self.said["asked"])
        if row["client_id"] != self.claims["aud"] or not begins <= _moment(row["decided_at"]) < ends:
            raise StepFailed("a decision is of another client or day")
        return row

    def _check_decision(self, row: Claims) -> None:
        asked = self.said["asked"]
        if row["account"] not in asked["accounts"] or asked["identifier"] not in {None, row["identifier"]}:
            raise StepFailed(f"decision {row['decision_id']} is of another account or record")
        self.answers.append(row)

    def _check_sheet(self, sheet: SheetPart, row: Claims) -> None:
        asked = self.said["asked"]
        answers = answers_of(sheet, asked["accounts"], asked["identifier"])
        if not answers:
            raise StepFailed(f"sheet {row['sheet_id']} says nothing of the account or record")
        self.answers += answers

    def policies(self) -> str:
        there = {text_digest(text) for text in self.dossier.policies}
        named = {answer["policy_digest"] for answer in self.answers}
        named |= {self.said["asked"]["policy"]} - {None}
        if not named <= there:
            raise StepFailed(f"the document {min(named - there)} is named, and not there")
        return f"{len(there)} documents, under the digests that are named"

    def grounds(self) -> str:
        for standing in self.said["standing"]:
            self._check_standing(standing)
        told = {standing.get("receipt_id") for standing in self.said["standing"]}
        for receipt in self.receipts:
            if receipt["record"]["event"]["state"] == _GIVEN and receipt["jti"] not in told:
                raise StepFailed(f"the statement says nothing of the consent of receipt {receipt['jti']}")
        permits = [answer for answer in self.answers if answer["permitted"]]
        for permit in permits:
            self._check_permit(permit)
        return f"{len(permits)} permits, each on its ground"

    def _check_standing(self, standing: Claims) -> None:
        """What the statement says of a consent is what the receipts of its beginning and its end say."""
        if standing.get("basis") != _CONSENT:
            if standing.get("statement_id") not in {found["jti"] for found in self.statements}:
                raise StepFailed(f"the provenance statement {standing.get('statement_id')} is not there")
            return
        grant = standing["grant_id"]
        given, ends = self._given(grant), self._ends(grant)
        if given is None or given["jti"] != standing["receipt_id"]:
            raise StepFailed(f"the receipt of grant {grant} is not there")
        end = ends[0] if ends else None
        said = {"status": end["record"]["event"]["state"] if end else _GIVEN}
        said["ended_at"] = end["record"]["event"]["time"] if end else None
        if len(ends) > 1 or {name: standing.get(name) for name in said} != said:
            raise StepFailed(f"the end of grant {grant} is not as the statement says")

    def _check_permit(self, permit: Claims) -> None:
        when = _moment(permit["decided_at"])
        if permit["basis"] != _CONSENT:
            grounds = {found["statement"]["association_id"] for found in self.statements}
            if permit["association_id"] not in grounds:
                raise StepFailed(f"the provenance statement behind {permit['decision_id']} is not there")
            return
        given, ends = self._given(permit["grant_id"]), self._ends(permit["grant_id"])
        if given is None:
            raise StepFailed(f"the receipt behind {permit['decision_id']} is not there")
        record = given["record"]
        until = min(
            [_moment(record["event"]["valid_until"]), *(_moment(end["record"]["event"]["time"]) for end in ends)]
        )
        # Receipts tell seconds: whatever was within the second of the end was in time.
        in_time = _moment(record["event"]["time"]) <= when and when - until < timedelta(seconds=1)
        if not in_time or permit["purpose"] not in {entry["purpose_id"] for entry in record["processing"]}:
            raise StepFailed(f"the consent {permit['grant_id']} does not cover {permit['decision_id']}")

    def _given(self, grant: object) -> Claims | None:
        return next((found for found in self._of(grant) if found["record"]["event"]["state"] == _GIVEN), None)

    def _ends(self, grant: object) -> list[Claims]:
        return [found for found in self._of(grant) if found["record"]["event"]["state"] != _GIVEN]

    def _of(self, grant: object) -> list[Claims]:
        return [found for found in self.receipts if found["record"]["record_id"] == grant]

    def inclusion(self) -> str:
        proved = [*self.dossier.batches, *self.dossier.evidence]
        for part in proved:
            part.proof.check(_leaf(part.text))
        return f"{len(proved)} leaves"

    def checkpoint(self) -> str | None:
        for part in (*self.dossier.batches, *self.dossier.evidence):
            check_origin(part.proof, self.vkeys, issuer=str(self.claims["iss"]))
        return "each signed with a key of yours" if self.vkeys else None


def _leaf(text: str) -> bytes:
    return leaf_data(text.partition("~")[0])
