"""Files that an endpoint hands to gradio, gone again after an hour."""

import tempfile
import time
from pathlib import Path

KEPT = 3600.0  # seconds; gradio has made its own copy long before
HOME = "glasshouse-files"


def temporary_file(name: str, data: bytes) -> str:
    """The path of a new file called ``name`` that holds ``data``; what is older than an hour is removed meanwhile."""
    home = Path(tempfile.gettempdir()) / HOME
    home.mkdir(mode=0o700, exist_ok=True)
    for file in home.glob("*/*"):
        remove_if_old(file)
    path = Path(tempfile.mkdtemp(dir=home)) / name
    path.write_bytes(data)
    return str(path)


def remove_if_old(file: Path) -> None:
    """Remove a file past its time, with its folder; another thread may have been faster."""
    try:
        if time.time() - file.stat().st_mtime > KEPT:
            file.unlink()
            file.parent.rmdir()
    except FileNotFoundError:
        return
