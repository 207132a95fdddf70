"""Jobs of batch compliance: created, handed ids, ready after a while, and read at an address that is its own leave."""

import itertools
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

UPLOAD_LIFE, DOWNLOAD_LIFE = timedelta(minutes=15), timedelta(days=7)
FIRST_ID = 1372966999991541762


@dataclass
class Job:
    """One job; who knows ``upload`` may hand ids in, and who knows ``download`` may read what became of them."""

    id: str
    name: str
    created: datetime
    upload: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    download: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ids: list[str] | None = None
    looks: int = 0

    def status(self, looks_needed: int) -> str:
        """Return X's word for how far it is."""
        if self.ids is None:
            return "created" if datetime.now(UTC) < self.created + UPLOAD_LIFE else "expired"
        return "complete" if self.looks >= looks_needed else "in_progress"


class Jobs:
    """Every job there was, in memory only; one may be open at a time, as X has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(FIRST_ID)
        self._jobs: dict[str, Job] = {}

    def create(self, name: str) -> Job:
        """Open a job."""
        with self._lock:
            job = Job(id=str(next(self._numbers)), name=name, created=datetime.now(UTC))
            self._jobs[job.id] = job
            return job

    def find(self, job_id: str) -> Job | None:
        """Return the job of that id."""
        return self._jobs.get(job_id)

    def by_secret(self, which: str, secret: str) -> Job | None:
        """Return the job whose address for uploads or downloads this is."""
        return next((job for job in self._jobs.values() if secrets.compare_digest(getattr(job, which), secret)), None)
