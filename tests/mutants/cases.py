"""A case: a file with the keys to check it against, and which layers of the evidence a change has broken."""

from dataclasses import dataclass
from enum import Flag, auto


class Layer(Flag):
    """What evidence rests on. A verifier is held to the layers that it claims to check, and to no others."""

    #: The signature over header and payload, and that it is a key's of the set.
    JWT = auto()
    #: The header's ``typ``: a signature that is right, over something of another kind.
    TYP = auto()
    #: That what is disclosed was signed.
    DISCLOSED = auto()
    #: That the JWT is a leaf of the tree that the log's Ed25519 key has signed.
    LOG = auto()
    #: The ML-DSA-44 cosignature of that tree, which Go's packages do not know.
    COSIGNATURE = auto()
    #: Claims that contradict each other or that a receipt must not lack: the rules of our own formats.
    CLAIMS = auto()
    #: One writing for one thing: what some readers take for the same is refused by ours, so that none can differ.
    WRITING = auto()
    #: Keys that no caller should bring: those under which anything verifies.
    WEAK_KEY = auto()


#: What programs of others check as well, and what ours is alone with.
SHARED = Layer.JWT | Layer.TYP | Layer.DISCLOSED | Layer.LOG
ALL = SHARED | Layer.COSIGNATURE | Layer.CLAIMS | Layer.WRITING | Layer.WEAK_KEY


@dataclass(frozen=True)
class Case:
    """A bundle, or an SD-JWT by itself; ``typ`` is what it must be, ``breaks`` is none where nothing was changed."""

    kind: str
    file: str
    typ: str
    jwks: str
    vkeys: tuple[str, ...]
    breaks: Layer

    @property
    def is_bundle(self) -> bool:
        """Whether the file is a bundle rather than an SD-JWT by itself."""
        return self.file.startswith("{")
