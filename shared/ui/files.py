"""Files that an endpoint hands to gradio, gone again after an hour."""

import os
import shutil
import tempfile
import time
from pathlib import Path

KEPT = 3600.0  # seconds; gradio has made its own copy long before
HOME = "glasshouse-files"


def temporary_file(name: str, data: bytes) -> str:
    """The path of a new file called ``name`` that holds ``data``; what is older than an hour is removed meanwhile."""
    home = Path(tempfile.gettempdir()) / HOME
    home.mkdir(mode=0o700, exist_ok=True)
    with os.scandir(home) as folders:  # one look at each folder, none into it: this is done for every file
        for folder in folders:
            remove_if_old(folder)
    path = Path(tempfile.mkdtemp(dir=home)) / name
    path.write_bytes(data)
    return str(path)


def remove_if_old(folder: "os.DirEntry[str]") -> None:
    """Remove a folder past its time; another thread may have been faster."""
    try:
        if time.time() - folder.stat().st_mtime > KEPT:
            shutil.rmtree(folder.path)
    except FileNotFoundError:
        return
