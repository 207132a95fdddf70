"""What a match reads says what the rows say that it is made from, after every step."""

from __future__ import annotations

from collections.abc import Iterator

from raw_rows import Rows

from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import EVERYONE, NO_CAUTION
from broker.store.pairs import PairLine, as_caution, as_line, caution_key
from broker.store.projecting import read_caution, read_line
from broker.store.transaction import Transaction


def faults_of_matching(tx: Transaction, rows: Rows) -> Iterator[str]:
    """Name every pair and account of which a match would read something else than there is."""
    pairs = {row["pair"]: PairLine(row["shape"], row["names"], row["ends_at"]) for row in rows["pairs"]}
    made = {row["account"] + row["identifier"] for name in ("consents", "grounds") for row in rows[name]}
    for key in pairs.keys() | made:
        if pairs.get(key, as_line((), ())) != read_line(tx, key):
            yield f"the pair {key.hex()} reads other than its consents and grounds"
    cautions = {row["caution"]: as_caution(row["content"]) for row in rows["cautions"]}
    borne = {row["handle"] for row in rows["handles"]}
    known = {row["account"] for name in _ACCOUNTS for row in rows[name]} - borne  # a handle reads its bearer's
    whose = {EVERYONE, *(row["client_id"] for row in rows["clients"])}
    expected = {caution_key(account, who): (account, who) for account in known for who in whose}
    for key in cautions.keys() - expected.keys():
        if key[:DIGEST_SIZE] not in borne:
            yield f"the caution {key.hex()} is about nobody"
    for key, (account, who) in expected.items():
        if cautions.get(key, NO_CAUTION) != read_caution(tx, account, who):
            yield f"the caution of {account.hex()} for {who} reads other than what it is made from"


_ACCOUNTS = ("people", "consents", "receipts", "objections", "signals", "presences", "handles", "tainted_pairs",
             "grounds")  # fmt: skip
