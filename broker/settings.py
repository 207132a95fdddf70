"""The only reader of the environment. Unsafe combinations are refused at start, in one clear line each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from broker.core.addresses import read_address
from broker.errors import BadConfiguration, MalformedRequest
from broker.proof.masters import MASTER, parse_masters, read_masters

#: Switches of libraries that would take a check away.
_UNSAFE = ("AUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_INSECURE_TRANSPORT", "FLASK_DEBUG", "WERKZEUG_DEBUG_PIN")


_MAX_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the broker runs, and what it runs on. Each field is a variable, ``BROKER_`` before its name."""

    #: The address everyone knows the broker by: https, or http on this machine for development.
    issuer: str = "http://127.0.0.1:8000"
    #: sqlite:////path/file.db, or postgresql+psycopg://user@host/database
    database_url: str = "sqlite:///var/broker.db"
    #: The folder with the sealed key files.
    keys_dir: Path = Path("var/keys")
    #: What must never be put back together with the database: the log's high-water mark, the journal of erasures.
    marks_dir: Path = Path("var/marks")
    #: A folder where the log is kept as a static site too, on another disk than the database's; none has to be.
    log_copy_dir: Path | None = None
    #: The TOML file that names who cosigns the log's checkpoints; nobody has to.
    witnesses_file: Path | None = None
    #: The TOML file that names the platforms and the broker's credentials there.
    platforms_file: Path = Path("var/platforms.toml")
    #: A folder of policy documents in place of those shipped.
    policies_dir: Path | None = None
    #: 32 bytes as base64url; or a file that holds them, away from the other keys. Several are epochs, the newest last.
    master_key: str | None = None
    master_key_file: Path | None = None
    #: Who keeps keys in place of both, as module:function: an HSM or a KMS.
    custody: str | None = None
    #: Ports besides 443 on which clients may have events pushed to them, such as 8443; a blank between several.
    push_ports: str = ""
    #: Who runs this broker, as receipts name it.
    operator_name: str = "Consent broker"
    operator_contact: str = "privacy@localhost"
    #: The operator's postal address, as receipts name it.
    operator_address: str | None = None
    #: Where what is kept is kept, as a location of the Data Privacy Vocabulary.
    storage_location: str = "loc:EU"
    #: debug, info, warning or error
    log_level: str = "info"

    @property
    def loopback(self) -> bool:
        """Whether this is a development broker: an http issuer is let through for this machine only."""
        return self.issuer.startswith("http:")

    def ports_of_push(self) -> frozenset[int]:
        """The ports besides 443 that events may be pushed to, or :class:`BadConfiguration`."""
        words = self.push_ports.split()
        if not all(re.fullmatch(r"[1-9][0-9]{0,4}", word) and int(word) <= _MAX_PORT for word in words):
            raise BadConfiguration("BROKER_PUSH_PORTS must be ports such as 8443, a blank between several")
        return frozenset(map(int, words))

    def masters(self) -> tuple[bytes, ...]:
        """The master keys, the newest last, or :class:`BadConfiguration` saying where they are looked for."""
        if self.master_key:
            return parse_masters(self.master_key, where="BROKER_MASTER_KEY")
        return read_masters(self.master_file())

    def master_file(self) -> Path:
        """Where the master key lies; beside the other keys in development only."""
        if self.master_key_file:
            return self.master_key_file
        if self.loopback:
            return self.keys_dir / MASTER
        raise BadConfiguration(
            "BROKER_MASTER_KEY or BROKER_MASTER_KEY_FILE must be set: the master key does not lie beside the keys it"
            " seals, except for a development issuer such as http://127.0.0.1:8000"
        )


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read ``BROKER_*``; refuse what is unsafe, and what looks like a slip of the pen.

    Other variables of that prefix are left alone: a container platform makes some for any service named broker.
    """
    given = os.environ if environment is None else environment
    names = {name.removeprefix("BROKER_").lower(): value for name, value in given.items() if name.startswith("BROKER_")}
    known = set(Settings.__dataclass_fields__)
    for name in sorted(set(names) - known):
        _refuse_slip(name, known)
    settings = Settings(**{name: _typed(name, value) for name, value in names.items() if value and name in known})  # type: ignore[arg-type] # by field name
    _refuse_unsafe(settings, given)
    return settings


def _refuse_slip(name: str, known: set[str]) -> None:
    meant = get_close_matches(name, known, n=1, cutoff=0.8)
    if meant:
        raise BadConfiguration(f"BROKER_{name.upper()} is not a setting; BROKER_{meant[0].upper()} is")


def _typed(name: str, value: str) -> str | Path:
    return Path(value) if name.endswith(("_dir", "_file")) else value


def _refuse_unsafe(settings: Settings, environment: Mapping[str, str]) -> None:
    _check_issuer(settings)
    for switch in _UNSAFE:
        if environment.get(switch):
            raise BadConfiguration(f"{switch} is set: it takes a security check away; unset it")
    settings.ports_of_push()
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise BadConfiguration("BROKER_LOG_LEVEL must be debug, info, warning or error")
    if not settings.loopback:
        _check_real(settings)


def _check_issuer(settings: Settings) -> None:
    try:
        address = read_address(settings.issuer, what="BROKER_ISSUER", loopback=True)
    except MalformedRequest as error:
        raise BadConfiguration(error.detail) from error
    if address.origin != settings.issuer:
        raise BadConfiguration("BROKER_ISSUER must be scheme and host, such as https://consent.example, and no more")


def _check_real(settings: Settings) -> None:
    if settings.log_level == "debug":
        raise BadConfiguration("BROKER_LOG_LEVEL=debug is for development issuers only")
    given = [
        f"BROKER_{name.upper()}" for name in ("master_key", "master_key_file", "custody") if getattr(settings, name)
    ]
    if len(given) > 1:
        raise BadConfiguration(f"{' and '.join(given)} are both set; which one counts?")
    if settings.master_key_file and settings.master_key_file.resolve().is_relative_to(settings.keys_dir.resolve()):
        raise BadConfiguration("BROKER_MASTER_KEY_FILE lies beside the keys it seals; keep it elsewhere")
    if settings.operator_contact == Settings.operator_contact:
        raise BadConfiguration("BROKER_OPERATOR_CONTACT must name an address that people can write to")
