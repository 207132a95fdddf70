"""The only reader of the environment. Unsafe combinations are refused at start, in one clear line each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from broker.core.addresses import read_address
from broker.core.budget import LONGEST, Budget, Limits
from broker.errors import BadConfiguration, MalformedRequest
from broker.proof.masters import MASTER, parse_masters, read_masters

#: Switches of libraries that would take a check away.
_UNSAFE = ("AUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_INSECURE_TRANSPORT", "FLASK_DEBUG", "WERKZEUG_DEBUG_PIN")


_MAX_PORT = 65535
#: Not ours: prometheus_client's own.
_NUMBERS = "PROMETHEUS_MULTIPROC_DIR"
#: So that people have time to see who asked.
_FEWEST_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the broker runs, and what it runs on. Each field is a variable, ``BROKER_`` before its name."""

    #: The address everyone knows the broker by: https, or http on this machine for development.
    issuer: str = "http://127.0.0.1:8000"
    #: sqlite:////path/file.db, or postgresql+psycopg://user@host/database
    database_url: str = "sqlite:///var/broker.db"
    #: The same database under the role that keeps it, for erasing, the companion and the commands; else the one above.
    keeping_database_url: str | None = None
    #: session, or transaction where PgBouncer in that mode stands in front of PostgreSQL.
    database_pooling: str = "session"
    #: Seconds after which PostgreSQL ends a statement.
    statement_timeout: str = "8"
    #: What each client may ask a minute, and how much of it may be saved up (else two minutes' worth); 0 is no limit.
    #: Requests; the items in them; and items about accounts that the client has nothing on.
    request_budget: str = "600000"
    item_budget: str = "1200000"
    miss_budget: str = "2000 2000000"
    #: Days for which it is kept what businesses were answered; 0 keeps it for ever. It goes a month at a time.
    decisions_kept_days: str = "0"
    #: The folder with the sealed key files.
    keys_dir: Path = Path("var/keys")
    #: What must never be put back together with the database: the log's high-water mark, the journal of erasures.
    marks_dir: Path = Path("var/marks")
    #: The folder where each worker tapes its single answers until they are filed; beside SQLite's file when not set.
    tapes_dir: Path | None = None
    #: When a single answer is on the disk: soon, within 50 ms of its being told; or before it is told.
    answers_synced: str = "soon"
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
    #: Who bears it may read /metrics. Without one a development issuer tells this machine, and any other nobody.
    metrics_token: str | None = None
    #: Where spans are sent: the base address of an OpenTelemetry collector that takes OTLP over HTTP; nowhere else.
    otlp_endpoint: str | None = None
    #: A statement that takes as many milliseconds is written to the log; 0, none is.
    slow_statement_ms: str = "200"
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

    def statement_seconds(self) -> int:
        """How long a statement may take, or :class:`BadConfiguration`."""
        if not re.fullmatch(r"[1-9][0-9]{0,3}", self.statement_timeout):
            raise BadConfiguration("BROKER_STATEMENT_TIMEOUT must be seconds, 1 to 9999")
        return int(self.statement_timeout)

    def tapes_folder(self) -> Path:
        """The folder of tapes: on the disk of the database, where that is a file."""
        if self.tapes_dir:
            return self.tapes_dir
        file = self.database_url.partition("sqlite:///")[2]
        return Path(f"{file}-tapes") if file else Path("var/tapes")

    def limits(self) -> Limits:
        """What each client may ask, or :class:`BadConfiguration`."""
        names = ("request_budget", "item_budget", "miss_budget")
        return Limits(*(_budget(f"BROKER_{name.upper()}", getattr(self, name)) for name in names))

    def slow_milliseconds(self) -> int:
        """From how many milliseconds on a statement is slow, or :class:`BadConfiguration`."""
        if not re.fullmatch(r"[0-9]{1,6}", self.slow_statement_ms):
            raise BadConfiguration("BROKER_SLOW_STATEMENT_MS must be milliseconds, up to 999999; 0 for none")
        return int(self.slow_statement_ms)

    def kept_days(self) -> int:
        """For how long answers are kept, 0 for ever; or :class:`BadConfiguration`."""
        days = int(self.decisions_kept_days) if re.fullmatch(r"[0-9]{1,5}", self.decisions_kept_days) else -1
        if days < 0 or 0 < days < _FEWEST_DAYS:
            raise BadConfiguration(
                f"BROKER_DECISIONS_KEPT_DAYS must be {_FEWEST_DAYS} or more, or 0 for ever: people are to see who asked"
            )
        return days

    def as_keeper(self) -> Settings:
        """These settings for whoever keeps the database: the companion and the commands."""
        return replace(self, database_url=self.keeping_database_url or self.database_url)

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


def shared_numbers() -> Path | None:
    """The folder in which the processes of one broker count together, where somebody made one."""
    folder = os.environ.get(_NUMBERS)
    return Path(folder) if folder else None


def share_numbers(folder: Path | None) -> None:
    """Let this process, and those that it begins, count together there: the library reads it from here alone."""
    if folder is None:
        os.environ.pop(_NUMBERS, None)
    else:
        os.environ[_NUMBERS] = str(folder)


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
    settings.statement_seconds()
    settings.limits()
    settings.slow_milliseconds()
    _check_watching(settings)
    settings.kept_days()
    if settings.database_pooling not in {"session", "transaction"}:
        raise BadConfiguration("BROKER_DATABASE_POOLING must be session or transaction")
    if settings.answers_synced not in {"soon", "before"}:
        raise BadConfiguration("BROKER_ANSWERS_SYNCED must be soon or before")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise BadConfiguration("BROKER_LOG_LEVEL must be debug, info, warning or error")
    if not settings.loopback:
        _check_real(settings)


def _budget(name: str, text: str) -> Budget:
    """``600000``, or ``2000 2000000`` with the size of its store."""
    if not re.fullmatch(r"[0-9]{1,9}( [1-9][0-9]{0,11})?", text):
        raise BadConfiguration(f"{name} must be a number a minute, and how much may be saved up, such as 2000 200000")
    per_minute, *store = map(int, text.split())
    if not per_minute:
        return Budget()
    size = store[0] if store else 2 * per_minute
    if size > per_minute * LONGEST:
        raise BadConfiguration(f"{name} has a store that takes longer than a year to fill; 0 is no limit")
    return Budget.of(per_minute=per_minute, store=size)


def _check_issuer(settings: Settings) -> None:
    try:
        address = read_address(settings.issuer, what="BROKER_ISSUER", loopback=True)
    except MalformedRequest as error:
        raise BadConfiguration(error.detail) from error
    if address.origin != settings.issuer:
        raise BadConfiguration("BROKER_ISSUER must be scheme and host, such as https://consent.example, and no more")


def _check_watching(settings: Settings) -> None:
    if settings.metrics_token and not re.fullmatch(r"[A-Za-z0-9._~+/=-]{32,256}", settings.metrics_token):
        raise BadConfiguration(
            "BROKER_METRICS_TOKEN must be 32 to 256 characters that a bearer token may hold; make one with"
            " `openssl rand -hex 32`"
        )
    if settings.otlp_endpoint and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", settings.otlp_endpoint):
        raise BadConfiguration("BROKER_OTLP_ENDPOINT must be an address such as http://127.0.0.1:4318")


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
