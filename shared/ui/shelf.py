"""Files of visitors: kept for an hour under names that nobody can guess.

A page's inputs hold a reference (a kind, a colon and 32 hex digits), so that a link or an event carries a few
characters and never a file.
"""

import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from shared.problems import Problem

KEPT = 3600.0  # seconds since the last use
MOST_BYTES = 500_000_000  # of all files of one kind together


@dataclass(frozen=True)
class Shelf:
    """The place for files of one ``kind``, such as "photo"."""

    kind: str

    @property
    def home(self) -> Path:
        """The folder of all of them, readable by this server alone."""
        folder = Path(tempfile.gettempdir()) / f"glasshouse-{self.kind}s"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def put(self, data: bytes) -> str:
        """Keep a file; its reference, ``<kind>:<32 hex digits>``."""
        name = secrets.token_hex(16)
        (self.home / name).write_bytes(data)
        self.remove_old()
        return f"{self.kind}:{name}"

    def find(self, reference: str) -> bytes:
        """The bytes of a kept file; a ``Problem`` for references that are unknown or expired."""
        gone = Problem(f"This {self.kind} is no longer on the server; upload it again.")
        found = re.fullmatch(rf"{self.kind}:([0-9a-f]{{32}})", reference, re.ASCII)
        if not found:
            raise gone
        path = self.home / found[1]
        try:
            if time.time() - path.stat().st_mtime > KEPT:
                raise gone
            path.touch()
            return path.read_bytes()
        except FileNotFoundError as error:
            raise gone from error

    def remove_old(self) -> None:
        """Remove files past their time, then the least recently used until the rest fits."""
        total = 0
        now = time.time()
        for used, size, path in sorted(sizes(self.home), reverse=True):
            total += size
            if now - used > KEPT or total > MOST_BYTES:
                path.unlink(missing_ok=True)


def sizes(folder: Path) -> list[tuple[float, int, Path]]:
    """Time of last use, bytes and path of every file; another thread may remove some meanwhile."""
    found = []
    for path in folder.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((status.st_mtime, status.st_size, path))
    return found
