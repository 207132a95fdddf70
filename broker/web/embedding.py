"""``/embed.js``: the button ``<consent-link>`` for a business's own pages, the same bytes for everybody.

One file without parts, so that its digest (Subresource Integrity) stands for all that it can do. What is answered
depends on nothing but this release.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha384
from pathlib import Path

from babel.support import NullTranslations
from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from broker.web.languages import SOURCE, direction_of

blueprint = Blueprint("embedding", __name__)
_SOURCE = (Path(__file__).parent / "embed" / "consent-link.js").read_text("utf-8")
_PLACE = '"{{words}}"'
_HEADERS = {
    # no-transform: what a proxy improves has another digest, and is refused.
    "Cache-Control": "public, max-age=300, no-transform",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # A digest is compared only where the page may read what it compares.
    "Access-Control-Allow-Origin": "*",
}


def _(sentence: str) -> str:
    """Mark a sentence for the translators; the page it will stand on chooses the language."""
    return sentence


WORDS = {
    "link": _("Link your %(platform)s account"),
    "window": _("opens a new window"),
    "waiting": _("Please go on in the window that has opened."),
    "closed": _("There is no answer yet. If you closed the window, you can start again."),
    "linked": _("Your %(platform)s account is linked."),
    "refused": _("Nothing was linked."),
}


def script(catalogs: Mapping[str, NullTranslations]) -> str:
    """The file, its words filled in; *catalogs* are the translations by language."""
    spoken = {SOURCE: NullTranslations(), **catalogs}
    words = {code.replace("_", "-").lower(): _said(code, known) for code, known in spoken.items()}
    return _SOURCE.replace(_PLACE, json.dumps(words, ensure_ascii=False, indent=1))


def integrity(text: str) -> str:
    """What a page writes beside the address, so that its browser runs these bytes or none."""
    return f"sha384-{b64encode(sha384(text.encode()).digest()).decode()}"


@blueprint.record
def _write(state: BlueprintSetupState) -> None:
    state.app.extensions["embed"] = script(state.app.extensions["catalogs"])


@blueprint.get("/embed.js")
def embed() -> Response:
    """The file, for any page of anybody."""
    answer = Response(current_app.extensions["embed"], content_type="text/javascript; charset=utf-8")
    answer.headers.update(_HEADERS)
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def _said(code: str, known: NullTranslations) -> dict[str, str]:
    """One language, and which way it is written."""
    words = {name: known.gettext(sentence).replace("%(platform)s", "{platform}") for name, sentence in WORDS.items()}
    return {**words, "direction": direction_of(code)}
