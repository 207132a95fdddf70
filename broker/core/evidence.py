"""Provenance tags: what a client says an association without consent rests on, and what each must carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

#: The grounds of MATCH-4; any other tag is a ground for nothing.
TAGS = ("user_provided", "public")
#: Where the information came from. All but the first are refused and remembered.
DIRECT = "direct"
ORIGINS = (DIRECT, "third_party", "bought", "inferred", "leaked", "restricted")
REFUSED_ORIGINS = ORIGINS[1:]
#: Kinds of public source: three outside the platform, and the platform itself.
SOURCES = ("directory", "website", "register", "platform")
FIELDS = ("bio", "location", "display_name", "username", "post")
#: What makes somebody no stranger to a business (MATCH-4a).
RELATIONSHIPS = ("customer", "member", "subscriber", "employee", "applicant", "patron", "student", "supporter")


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """What the person was told when they gave the information, and where."""

    url: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """A public source: of the web, or a field of the platform.

    ``cited`` is the address to the letter, also where it is no acceptable one: what it names is looked at all the same.
    """

    kind: str
    retrieved_at: datetime | None
    url: str | None = None
    cited: str | None = None
    sha256: str | None = None
    field: str | None = None
    post_id: str | None = None

    @property
    def complete(self) -> bool:
        """Whether it carries what its kind must."""
        if self.retrieved_at is None:
            return False
        if self.kind == "platform":
            return self.field in FIELDS and (self.field != "post") == (self.post_id is None)
        return self.kind in SOURCES and self.url is not None and self.sha256 is not None

    def stated(self) -> dict[str, object]:
        """What is signed of it."""
        members = {name: getattr(self, name) for name in ("kind", "url", "sha256", "field", "post_id")}
        return _given(**members, retrieved_at=_text(self.retrieved_at))


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """A client's statement of where it has a handle from, and what the person was led to expect.

    Everything in it was read: a tag that holds more than its kind does is not ``sound``.
    """

    tag: str
    origin: str = DIRECT
    expected_purposes: tuple[str, ...] = ()
    collected_at: datetime | None = None
    channel: str | None = None
    relationship: str | None = None
    disclosure: Disclosure | None = None
    source: Source | None = None
    sound: bool = True

    @property
    def complete(self) -> bool:
        """Whether the tag carries its evidence (relationship, channel, date, disclosure; or a source) and no other."""
        given = (self.collected_at, self.channel, self.relationship, self.disclosure)
        if self.tag == "user_provided":
            return self.sound and None not in given and self.relationship in RELATIONSHIPS and self.source is None
        return self.sound and given == (None,) * 4 and self.source is not None and self.source.complete

    def stated(self) -> dict[str, object]:
        """What is signed of the tag: what was read of it, and nothing else."""
        return {
            "tag": self.tag,
            "expected_purposes": list(self.expected_purposes),
            **_given(
                collected_at=_text(self.collected_at),
                channel=self.channel,
                relationship=self.relationship,
                disclosure=dict(vars(self.disclosure)) if self.disclosure else None,
                source=self.source.stated() if self.source else None,
            ),
        }


def _text(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
