"""Photos of visitors: kept for an hour under names that nobody can guess.

What is kept is a reduced copy without EXIF data. A page's inputs hold a reference ("photo:" and 32 hex digits), so
that a link or an event carries a few characters and never a picture.
"""

import io
import re
import secrets
import tempfile
import time
from pathlib import Path

from PIL import Image

from shared.models.photos import Photo, read_photo
from shared.problems import Problem

KEPT = 3600.0  # seconds since the last use
MOST_BYTES = 500_000_000  # of all photos together
HOME = "glasshouse-photos"
SMALL = 64  # pixels; up to here a picture is kept without loss
REFERENCE = re.compile(r"photo:([0-9a-f]{32})", re.ASCII)


def keep(data: bytes) -> str:
    """Keep the photo in the bytes of an uploaded file; its reference, ``photo:<32 hex digits>``."""
    return store(read_photo(data))


def store(photo: Photo) -> str:
    """Keep ``photo`` as JPEG, or as PNG where it is small; its reference."""
    picture, file = Image.fromarray(photo.pixels), io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=92)
    name = secrets.token_hex(16)
    (home() / name).write_bytes(file.getvalue())
    remove_old()
    return f"photo:{name}"


def find(reference: str) -> bytes:
    """The bytes of the kept photo (JPEG or PNG); a ``Problem`` for references that are unknown or expired."""
    gone = Problem("This photo is no longer on the server; upload it again.")
    found = REFERENCE.fullmatch(reference)
    if not found:
        raise gone
    path = home() / found[1]
    try:
        if time.time() - path.stat().st_mtime > KEPT:
            raise gone
        path.touch()
        return path.read_bytes()
    except FileNotFoundError as error:
        raise gone from error


def home() -> Path:
    """The folder of all photos, readable by this server alone."""
    folder = Path(tempfile.gettempdir()) / HOME
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def remove_old() -> None:
    """Remove photos past their time, then the least recently used until the rest fits."""
    total = 0
    now = time.time()
    for used, size, path in sorted(sizes(home()), reverse=True):
        total += size
        if now - used > KEPT or total > MOST_BYTES:
            path.unlink(missing_ok=True)


def sizes(folder: Path) -> list[tuple[float, int, Path]]:
    """Time of last use, bytes and path of every photo; another thread may remove some meanwhile."""
    found = []
    for path in folder.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((status.st_mtime, status.st_size, path))
    return found
