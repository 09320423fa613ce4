"""The endpoint's picture, the map at full size, the film."""

import io

import numpy as np
import pytest
from PIL import Image

from shared.problems import Problem
from shared.render.animation import STRIP
from shared.render.overlay import overlay
from shared.render.saliency_picture import FILM_LIMIT, FILM_WIDTHS, filmstrip_gif, full_map, saliency_picture

PHOTO = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
BOX = (0, 10, 60, 60)
MAP = np.array([[0.0, 0.5], [1.0, 0.25]])


def test_picture_is_the_overlay_at_the_size_of_the_photo():
    png = Image.open(io.BytesIO(saliency_picture(PHOTO, MAP, BOX, kind="png")))
    assert png.format == "PNG"
    assert np.array_equal(np.asarray(png), np.asarray(overlay(PHOTO, MAP, BOX)))
    jpeg = Image.open(io.BytesIO(saliency_picture(PHOTO, MAP, BOX)))
    assert (jpeg.format, jpeg.size) == ("JPEG", (80, 60))


def test_large_photos_are_reduced_with_their_box():
    large = Image.new("RGB", (4000, 3000), (100, 100, 100))
    picture = Image.open(io.BytesIO(saliency_picture(large, np.ones((7, 7)), (0, 500, 3000, 3000), kind="png")))
    assert picture.size == (1024, 768)
    yellow = np.asarray(picture).astype(int)[384, :, 0] - np.asarray(picture).astype(int)[384, :, 2] > 60
    assert np.flatnonzero(yellow)[[0, -1]].tolist() == [128, 895]  # 500 and 3,500 of 4,000 columns


def test_full_map_is_bilinear_inside_the_box_and_zero_outside():
    whole = full_map(np.array([[0.0, 1.0]]), (1, 2, 2, 4), (4, 8))
    assert whole.dtype == np.float32
    row = [0, 0, 0, 0.25, 0.75, 1, 0, 0]
    assert np.allclose(whole, [[0] * 8, row, row, [0] * 8])


def test_full_map_keeps_sign_and_units():
    whole = full_map(np.array([[-3.0, 50.0], [-3.0, 50.0]]), (0, 0, 20, 30), (20, 30))
    assert (whole.min(), whole.max()) == (-3, 50)


@pytest.mark.parametrize("box", [(0, 0, 5, 4), (-1, 0, 2, 2), (0, 0, 0, 2)])
def test_full_map_needs_its_box_in_the_photo(box):
    with pytest.raises(Problem, match="leaves the photo"):
        full_map(MAP, box, (4, 4))


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_same_picture_gives_the_same_bytes(kind):
    assert saliency_picture(PHOTO, MAP, BOX, kind=kind) == saliency_picture(PHOTO, MAP, BOX, kind=kind)


def frames(film):
    image = Image.open(io.BytesIO(film))
    assert image.format == "GIF"
    found = []
    for i in range(image.n_frames):
        image.seek(i)
        found.append(np.asarray(image.convert("RGB")).astype(int))
    return found


def test_film_has_one_frame_for_each_layer_and_the_photo_stands_still():
    gray = np.full((60, 80, 3), 100, np.uint8)
    maps = [np.eye(4), -np.eye(4), np.full((4, 4), 0.5)]
    film = filmstrip_gif(gray, (0, 10, 60, 60), maps, ["0 · stem", "1 · body", "2 · head"])
    first, blank, last = frames(film)
    assert first.shape == (300 + STRIP, 400, 3)
    assert np.array_equal(first[:300, :30], last[:300, :30]), "outside of the box nothing flickers"
    assert np.abs(blank[100:200, 100:300] - 100).max() <= 3, "nothing positive, so the bare photo"
    assert (last[150, 200] - 100)[0] > 60, "each layer has its own scale"
    accent = [(np.abs(frame[301] - (11, 110, 117)).max(axis=1) < 12).sum() for frame in (first, blank, last)]
    assert accent == [133, 267, 400]
    assert film == filmstrip_gif(gray, (0, 10, 60, 60), maps, ["0 · stem", "1 · body", "2 · head"])


def test_film_of_noise_over_many_layers_stays_below_its_limit():
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    film = filmstrip_gif(photo, (0, 0, 300, 400), [rng.random((14, 14)) for _ in range(12)], ["layer"] * 12)
    assert len(film) <= FILM_LIMIT
    width = Image.open(io.BytesIO(film)).width
    assert width in FILM_WIDTHS and width < FILM_WIDTHS[0], "400 pixels of noise would not fit"


def test_film_without_layers_or_room_is_a_problem():
    with pytest.raises(Problem, match="no layers"):
        filmstrip_gif(PHOTO, BOX, [], [])
    with pytest.raises(Problem, match="fewer layers"):
        filmstrip_gif(PHOTO, BOX, [MAP], ["a"], limit=100)


def test_hostile_names_are_only_text():
    names = ["</script><img src=x>", "\x00", "$x^2$", "\ud800", "a\nb" * 500]
    assert len(frames(filmstrip_gif(PHOTO, BOX, [np.roll(MAP, i) for i in range(5)], names))) == 5
