"""The page that checks evidence: ``/verify``, one file for everybody, and the same from disk with the network off."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Blueprint, Response, request

blueprint = Blueprint("verifying", __name__)
_PAGE = (Path(__file__).parent / "static" / "verify.html").read_text("utf-8")
_META = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')


@blueprint.get("/verify")
def verify() -> Response:
    """The page as it is saved; it holds its own script and style, named by their digests in its own policy."""
    answer = Response(_PAGE, content_type="text/html; charset=utf-8")
    # Browsers heed frame-ancestors in a header only.
    answer.headers["Content-Security-Policy"] = f"{''.join(_META.findall(_PAGE))}; frame-ancestors 'none'"
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.add_etag()
    answer.make_conditional(request)
    return answer
