"""The verifiers that judge: our two, and programs of others that know nothing of us.

| judge                | is asked about                                            |
|----------------------|-----------------------------------------------------------|
| broker, page /verify | everything                                                |
| npm jose             | the JWT: signature, key set, algorithm, ``typ``           |
| npm @sd-jwt/core     | the JWT's signature, and what is disclosed                |
| PyPI sd-jwt          | the same                                                  |
| Go x/mod/sumdb       | the log: checkpoint under Ed25519, and inclusion          |

The others read SD-JWTs and signed trees; our bundle is unpacked for them by a plain JSON reader, and a C2SP proof file
by thirty lines of Go beside their packages. None of them knows what a consent receipt must say, ML-DSA-44, or that a
small-order key is none: no yes of theirs is asked for there, so none is counted for or against.

Another verifier joins as one more :class:`Judge`: a name, its layers, and a function from cases to yes or no.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from tempfile import NamedTemporaryFile

from harness.chromium import running_chromium
from harness.strangers import ask_all
from harness.verifier import verifier_page
from jwcrypto.jwk import JWK
from mutants.cases import ALL, Case, Layer
from sd_jwt.verifier import SDJWTVerifier
from vectors.bundles import ORIGIN

from broker.core.reading import read_json_object
from broker.errors import MalformedRequest
from broker.proof.checkpoint import read_vkey
from broker.proof.note import NoteFailed, Verifier
from broker.proof.verify import verify_evidence

#: How many cases are held in memory at a time; each batch starts the programs of others once.
BATCH = 5_000
#: How long a run of another's program may take, for a hundred thousand cases.
PATIENCE = 600.0
#: When others look, in seconds: some refuse what is dated after their clock, and what never ends must hold for long.
LATER = 4_000_000_000


@dataclass(frozen=True)
class Judge:
    """A verifier: which layers it claims, and its answers to many cases at once, in order.

    One that takes its time is asked about one case in so many only.
    """

    name: str
    claims: Layer
    accepts: Callable[[Sequence[Case]], list[bool]]
    one_in: int = 1

    def is_asked(self, case: Case) -> bool:
        """Whether it claims to find out what was done here; of what is genuine, whether it claims any of it."""
        if case.breaks:
            return bool(case.breaks & self.claims)
        return case.is_bundle or bool(self.claims & Layer.JWT)


def judges(*, page_one_in: int = 4) -> list[Judge]:
    """Return everybody who is asked."""
    return [
        Judge("broker", ALL, _ours),
        Judge("page /verify", ALL, _page, one_in=page_one_in),
        Judge("npm jose", Layer.JWT | Layer.TYP, _jose),
        Judge("npm @sd-jwt/core", Layer.JWT | Layer.DISCLOSED, _sd_jwt_core),
        Judge("PyPI sd-jwt", Layer.JWT | Layer.DISCLOSED, _sd_jwt),
        Judge("Go x/mod/sumdb", Layer.LOG, _go),
    ]


def _ours(cases: Sequence[Case]) -> list[bool]:
    """Signed by a key of the caller's, and, of a bundle, in the log that the caller's keys sign for."""
    return [_is_ours(case) for case in cases]


def _is_ours(case: Case) -> bool:
    try:
        jwks, vkeys = _keys(case.jwks, case.vkeys)
    except (MalformedRequest, NoteFailed):
        return False
    verdict = verify_evidence(case.file, jwks=jwks, vkeys=vkeys)
    return verdict.anchored and (verdict.logged or not case.is_bundle)


@lru_cache(maxsize=BATCH)
def _keys(jwks: str, vkeys: tuple[str, ...]) -> tuple[dict[str, object], list[Verifier]]:
    """Read the caller's keys as ``broker verify`` does."""
    return read_json_object(jwks.encode()), [read_vkey(vkey) for vkey in vkeys]


#: Reads the cases from disk, as the page reads what is dropped on it: through the driver they would travel for long.
_ON_THE_PAGE = """async () => {
  const lines = (await document.querySelector("#cases").files[0].text()).trimEnd().split("\\n")
  const judged = async (line) => {
    const { file, jwks, vkeys } = JSON.parse(line)
    try {
      const { anchored, logged } = await verifyEvidence(file, { jwks, vkeys })
      return anchored && (logged || !file.startsWith("{"))
    } catch {
      return false  // keys that cannot be read
    }
  }
  const answers = []
  while (answers.length < lines.length) {
    answers.push(...await Promise.all(lines.slice(answers.length, answers.length + 100).map(judged)))
  }
  return answers
}"""
_WITH_A_PLACE_FOR_FILES = """() => {
  document.body.append(Object.assign(document.createElement("input"), { type: "file", id: "cases" }))
}"""


def _page(cases: Sequence[Case]) -> list[bool]:
    """What the page says in a browser whose network is off."""
    asked = ({"file": case.file, "jwks": case.jwks, "vkeys": "\n".join(case.vkeys)} for case in cases)
    with running_chromium() as chromium, verifier_page(chromium) as it, NamedTemporaryFile("w", suffix=".json") as file:
        file.writelines(f"{json.dumps(one)}\n" for one in asked)
        file.flush()
        it.page.evaluate(_WITH_A_PLACE_FOR_FILES)
        it.page.set_input_files("#cases", file.name)
        answers: list[bool] = it.page.evaluate(_ON_THE_PAGE)
    return answers


@lru_cache(maxsize=BATCH)
def unpacked(file: str) -> tuple[str, str]:
    """Return the SD-JWT and the proof of a file, read as laxly as readers of JSON do; empty where there is none."""
    if not file.startswith("{"):
        return file, ""
    try:
        members = json.loads(file)
        evidence, proof = members.get("evidence"), members.get("proof")
    except (ValueError, AttributeError):
        return "", ""
    return (evidence if isinstance(evidence, str) else "", proof if isinstance(proof, str) else "")


def _jose(cases: Sequence[Case]) -> list[bool]:
    return _in_node("jose", cases)


def _sd_jwt_core(cases: Sequence[Case]) -> list[bool]:
    return _in_node("sd", cases)


def _in_node(library: str, cases: Sequence[Case]) -> list[bool]:
    asked = [{"sdjwt": unpacked(case.file)[0], "typ": case.typ, "jwks": case.jwks} for case in cases]
    questions = [{"ask": [library], "now": LATER, **question} for question in asked]
    return [told[library] for told in ask_all("evidence.mjs", questions, deadline=PATIENCE)]


def _sd_jwt(cases: Sequence[Case]) -> list[bool]:
    """Accepted, and everything believed that is shown: an unsigned disclosure is left out without a word."""
    logging.getLogger("sd_jwt").setLevel(logging.CRITICAL)
    return [_believes(unpacked(case.file)[0], case.jwks) for case in cases]


def _believes(sd_jwt: str, jwks: str) -> bool:
    try:
        shown = SDJWTVerifier(sd_jwt, lambda _, header: _jwk(jwks, header["kid"]), None, None).get_verified_payload()
        entries = [json.loads(_decoded(part)) for part in sd_jwt.split("~")[1:-1]]
        return all(name in shown and shown[name] == value for _salt, name, value in entries)
    except Exception:  # noqa: BLE001 - however it refuses, it refuses
        return False


@lru_cache(maxsize=BATCH)
def _jwk(jwks: str, kid: str) -> JWK:
    (key,) = [key for key in json.loads(jwks)["keys"] if key["kid"] == kid]
    return JWK(**key)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _go(cases: Sequence[Case]) -> list[bool]:
    return [told["ok"] for told in ask_all("log.go", [_for_go(case) for case in cases], deadline=PATIENCE)]


def _for_go(case: Case) -> dict[str, object]:
    evidence, proof = unpacked(case.file)
    leaf = hashlib.sha256(evidence.split("~")[0].encode()).digest()
    leaf64 = base64.b64encode(leaf).decode()
    return {"ask": "proof", "origin": ORIGIN, "vkeys": case.vkeys, "leaf": leaf64, "proof": proof}
