"""The transparency log, for anybody (C2SP tlog-tiles): checkpoint, tiles, entries, and the keys to check them with.

Every answer is the same for everybody, so that caches may keep it; a static file server can answer in its place.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.read_log import parse_piece
from broker.errors import NotFound
from broker.oauth.context import current_broker, request_reading
from broker.proof.checkpoint import vkeys_text
from broker.proof.keys import MAX_AGE
from broker.proof.tiles import width_of
from broker.store.log import latest_checkpoint

blueprint = Blueprint("log", __name__, url_prefix="/log")
_TEXT, _BYTES = "text/plain; charset=utf-8", "application/octet-stream"
_FOREVER = "public, max-age=31536000, immutable"


@blueprint.get("/checkpoint")
def checkpoint() -> Response:
    """The latest signed tree head."""
    with request_reading() as tx:
        latest = latest_checkpoint(tx)
    if latest is None:
        raise NotFound("nothing was published yet")
    return _public(latest.note.encode(), _TEXT, "public, max-age=2")


@blueprint.get("/vkeys")
def vkeys() -> Response:
    """The verifier keys, one a line."""
    keys = vkeys_text(current_broker().log.vkeys)
    return _public(keys.encode(), _TEXT, f"public, max-age={MAX_AGE}")


@blueprint.get("/tile/<path:path>")
def tile(path: str) -> Response:
    """One tile of hashes, or of entries; of a partial one exactly the width that is asked."""
    piece = parse_piece(path)
    if piece is None:
        raise NotFound("this is no path of a tile")
    with request_reading() as tx:
        latest = latest_checkpoint(tx)
        # What is stored beyond the checkpoint is nobody's business yet: it could still be undone.
        if latest is None or width_of(piece.tile, latest.size) < piece.width:
            raise NotFound("the log has not grown that far")
        content = piece.read(tx)
    return _public(content, _BYTES, _FOREVER)


@blueprint.after_request
def _for_everybody(answer: Response) -> Response:
    """A page anywhere may check the log; what is not there it may see as well."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _public(content: bytes, content_type: str, caching: str) -> Response:
    answer = Response(content, content_type=content_type)
    answer.headers["Cache-Control"] = caching
    answer.add_etag()
    return answer.make_conditional(request)  # type: ignore[return-value] # it is the very answer
