import base64
import io
import os
import re
import stat
import tempfile
import time

import numpy as np
import pytest
from PIL import Image

from shared.problems import Problem
from shared.ui import photos, shelf
from shared.ui.photo_inputs import MOST, ink, kept_of, photo_bytes, preview, uploaded


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def file_of(size=(100, 80), kind="JPEG", **options):
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind, **options)
    return file.getvalue()


def test_a_photo_comes_back_reduced_and_without_what_the_camera_wrote():
    exif = Image.Exif()
    exif[271] = "Secret Camera"
    data = file_of((3000, 1500), exif=exif)
    assert b"Secret Camera" in data
    reference = photos.keep(data)
    assert re.fullmatch(r"photo:[0-9a-f]{32}", reference)
    kept = photos.find(reference)
    assert b"Secret Camera" not in kept
    assert max(Image.open(io.BytesIO(kept)).size) <= 2048


def test_small_pictures_are_kept_without_loss():
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    kept = Image.open(io.BytesIO(photos.find(photos.keep(file.getvalue()))))
    np.testing.assert_array_equal(np.asarray(kept), pixels)


def test_the_folder_is_closed_to_others_and_names_differ(own_folder):
    assert photos.keep(file_of()) != photos.keep(file_of())
    assert stat.S_IMODE((own_folder / photos.PHOTOS.home.name).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "reference",
    ["", "photo:", "photo:" + "0" * 32, "photo:" + "A" * 32, "photo:../../etc/passwd", "photo:" + "0" * 32 + "\n",
     "photo:" + "٣" * 32, "example:cat", "photo:" + "0" * 31, "/etc/passwd"],
)  # fmt: skip
def test_unknown_references_are_one_sentence(reference):
    with pytest.raises(Problem, match="no longer on the server; upload it again"):
        photos.find(reference)


def age(own_folder, reference, seconds):
    path = own_folder / photos.PHOTOS.home.name / reference.removeprefix("photo:")
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_an_hour_after_its_last_use_a_photo_is_gone(own_folder):
    old, used = photos.keep(file_of()), photos.keep(file_of())
    path = age(own_folder, old, shelf.KEPT + 5)
    age(own_folder, used, shelf.KEPT - 60)
    photos.find(used)  # used again: another hour
    with pytest.raises(Problem):
        photos.find(old)
    photos.keep(file_of())
    assert not path.exists()
    assert time.time() - (own_folder / photos.PHOTOS.home.name / used.removeprefix("photo:")).stat().st_mtime < 60


def test_the_store_is_bounded_and_the_oldest_goes_first(own_folder, monkeypatch):
    references = [photos.keep(file_of()) for _ in range(4)]
    size = len(photos.find(references[0]))
    for seconds, reference in zip((400, 300, 200, 100), references, strict=True):
        age(own_folder, reference, seconds)
    monkeypatch.setattr(shelf, "MOST_BYTES", 3 * size)
    newest = photos.keep(file_of())
    for gone in references[:2]:
        with pytest.raises(Problem):
            photos.find(gone)
    assert all(photos.find(kept) for kept in (*references[2:], newest))


def test_references_lead_to_examples_or_photos():
    reference = photos.keep(file_of())
    assert photo_bytes("example:cat", {"cat": b"meow"}.__getitem__) == b"meow"
    assert photo_bytes(reference, lambda name: b"") == photos.find(reference)


def test_previews_are_small_and_few_pixels_stay_visible():
    large, tiny = file_of((900, 600)), file_of((28, 28), "PNG")
    assert preview("example:x", lambda name: large).shape == (341, 512, 3)
    assert preview("example:x", lambda name: tiny).shape == (504, 504, 3)
    assert preview("photo:" + "0" * 32, lambda name: tiny) is None
    assert preview("", lambda name: tiny) is None


def upload_of(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return {"path": str(path), "orig_name": name}


def test_a_sheet_keeps_the_good_ones_and_counts_the_rest(tmp_path):
    good, bad = upload_of(tmp_path, "a.jpg", file_of()), upload_of(tmp_path, "b.png", b"no photo")
    kept, left, sentence = kept_of([good, bad, good])
    assert left == [good, good] and "1 of 3" in sentence
    assert all(photos.find(f"photo:{name}") for name in kept)
    kept, left, sentence = kept_of([bad, *[good] * (MOST + 2)])
    assert len(kept) == MOST - 1 and "4 of 27" in sentence and f"3 beyond the first {MOST}" in sentence
    assert kept_of([good])[2] == "" and kept_of([]) == ([], [], "")


@pytest.mark.parametrize("upload", [{}, {"path": None}, {"path": "missing"}, {"path": "."}])
def test_an_upload_that_is_not_there_is_one_sentence(upload):
    with pytest.raises(Problem, match="upload it again"):
        uploaded(upload)


def test_the_drawing_of_the_pad_is_white_on_black():
    pad = Image.new("RGB", (196, 196))
    pad.paste("white", (50, 60, 70, 90))
    file = io.BytesIO()
    pad.save(file, "PNG")
    found = ink("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())
    assert found.shape == (196, 196) and found[60:90, 50:70].min() == 255 and np.count_nonzero(found) == 600
    with pytest.raises(Problem):
        ink("data:image/png;base64,%%%")
