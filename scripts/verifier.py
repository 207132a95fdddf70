"""Put the page that checks evidence together: one file, from its parts and from the vocabulary of the code."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from broker.core.consent import ConsentStatus
from broker.core.purposes import NARROWER_ID, PURPOSES
from broker.proof import action, dossier, erasure, note, receipt, statement, status
from broker.proof.bundle import Bundle

WEB = Path(__file__).resolve().parents[1] / "broker" / "web"
PARTS, PAGE = WEB / "verifier", WEB / "static" / "verify.html"
#: In the order in which they need each other.
MODULES = (
    *("text", "json", "sdjwt", "keys", "claims", "merkle", "note", "bundle", "status", "checks", "verify"),
    *("words", "facts", "report", "foreign", "desk", "page"),
)
#: Nothing is loaded, sent or framed, and no text becomes markup; a click may fetch the keys of the page's own origin.
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_IMPORT = re.compile(r'^import (\{.+\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def vocabulary() -> Mapping[str, object]:
    """What the page must know as the broker does."""
    return {
        "receipt": receipt.TYP,
        "statement": statement.TYP,
        "certificate": erasure.TYP,
        "action": action.TYP,
        "bundle": Bundle(evidence="", proof=None).to_json()["mediaType"],
        "dossier": dossier.MEDIA_TYPE,
        "statusList": status.TYP,
        "purposes": {purpose.id: purpose.concept for purpose in PURPOSES.values()},
        "narrower": NARROWER_ID.pattern,
        "states": {status.dpv: kind for status, kind in receipt.EVENT_TYPE.items()},
        "given": ConsentStatus.GIVEN.dpv,
        "answers": [ConsentStatus.GIVEN.dpv, ConsentStatus.REFUSED.dpv],
        "sources": statement.DATA_SOURCE,
        "smallOrder": sorted(point.hex() for point in note._SMALL_ORDER),  # noqa: SLF001 - one list of these for both
    }


def languages() -> Mapping[str, Mapping[str, str]]:
    """Every language but the code's own."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((PARTS / "words").glob("*.json"))}


def script() -> str:
    """Every module in a scope of its own, in an order in which what a module imports stands above it."""
    known = {"vocabulary": {"VOCABULARY": vocabulary()}, "languages": {"LANGUAGES": languages()}}
    constants = [
        f"const ${name} = {json.dumps(value, ensure_ascii=False, indent=1)};\n" for name, value in known.items()
    ]
    return "\n" + "\n".join([*constants, *(_scoped(name, (PARTS / f"{name}.js").read_text()) for name in MODULES)])


def _scoped(name: str, source: str) -> str:
    exported = ", ".join(match[2] for match in _EXPORT.finditer(source))
    body = _EXPORT.sub(r"\1", _IMPORT.sub(r"const \1 = $\2;", source))
    return f"const ${name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n"


def page() -> str:
    """The page, whole."""
    style = "\n" + (WEB / "static" / "broker.css").read_text() + (PARTS / "verify.css").read_text()
    code = script()
    values = {
        "policy": POLICY.format(script=_digest(code), style=_digest(style)),
        "icon": b64encode((WEB / "static" / "icon.svg").read_bytes()).decode(),
        "style": style,
        "script": code,
    }
    frame = (PARTS / "verify.html").read_text()
    return re.sub(r"\{\{(\w+)\}\}", lambda place: values[place[1]], frame)


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE.name}, {PAGE.stat().st_size} bytes")
