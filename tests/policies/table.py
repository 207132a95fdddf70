"""The table: every sentence of the terms, with what must come of it."""

from policies.table_of_matching import ROWS as MATCHING
from policies.table_of_sending import ROWS as SENDING
from policies.table_of_signals import ROWS as SIGNALS
from policies.table_of_uses import ROWS as USES

TABLE = (*MATCHING, *USES, *SENDING, *SIGNALS)

#: The clauses that the platform's terms were cut into: each must decide in the broker, none may be missing.
IDS = frozenset({
    "MATCH-1", "MATCH-2", "MATCH-3", "MATCH-4", "MATCH-4a", "MATCH-4b1", "MATCH-4b2",
    "SENSITIVE-1", "SENSITIVE-1.health", "SENSITIVE-1.financial", "SENSITIVE-1.politics", "SENSITIVE-1.ethnicity",
    "SENSITIVE-1.religion", "SENSITIVE-1.sexuality", "SENSITIVE-1.union", "SENSITIVE-1.crime", "SENSITIVE-2",
    "REDISTRIBUTE-1", "REDISTRIBUTE-2", "REDISTRIBUTE-3", "REDISTRIBUTE-4", "REDISTRIBUTE-5",
    "APPLICATION-1", "APPLICATION-2",
    "CONTACT-1", "CONTACT-2", "CONTACT-3", "CONTACT-4",
    "MEASURE-1",
    "SURVEILLANCE-1", "SURVEILLANCE-2", "SURVEILLANCE-3", "SURVEILLANCE-4", "SURVEILLANCE-5", "SURVEILLANCE-6",
    "SURVEILLANCE-7", "SURVEILLANCE-8",
    "SIGNAL-1",
})  # fmt: skip
