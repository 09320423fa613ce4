import os
import tempfile
import time
from pathlib import Path

from shared.ui.files import KEPT, temporary_file


def test_files_hold_their_bytes_and_leave_after_an_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = (Path(temporary_file("a.npz", data)) for data in (b"one", b"two"))
    assert (old.name, old.read_bytes(), young.read_bytes()) == ("a.npz", b"one", b"two")
    assert old.parent != young.parent
    past = time.time() - KEPT - 5
    os.utime(old.parent, (past, past))
    temporary_file("b.npz", b"three")
    assert not old.parent.exists()
    assert young.exists()
