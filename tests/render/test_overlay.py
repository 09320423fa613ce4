"""Heat over a photo, pixel by pixel; the browser draws with the same formula."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

import shared.render
from shared.problems import Problem
from shared.render.overlay import ALPHA_POWER, VEIL, alpha, heat, overlay, part, scaled

GRAY = np.full((60, 80, 3), 100, np.uint8)
WHOLE = (0, 0, 60, 80)
VIRIDIS_TOP = (253, 231, 37)
BLUE, RED = (5, 48, 97), (103, 0, 31)  # the ends of RdBu_r


def mixed(color, opacity, below=100):
    return tuple(round(opacity * part + (1 - opacity) * below) for part in color)


def near(found, wanted):
    return np.abs(np.asarray(found, int) - np.asarray(wanted, int)).max() <= 1


def test_no_heat_leaves_the_photo_exactly():
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    before = photo.copy()
    for signed in (False, True):
        assert np.array_equal(np.asarray(overlay(photo, np.zeros((7, 7)), WHOLE, signed=signed)), photo)
    assert np.array_equal(photo, before)


def test_full_heat_is_sixty_percent_color():
    picture = np.asarray(overlay(GRAY, np.ones((7, 7)), WHOLE))
    assert near(picture, mixed(VIRIDIS_TOP, 0.6))
    assert near(overlay(GRAY, np.ones((7, 7)), WHOLE, opacity=1.0), VIRIDIS_TOP)


@pytest.mark.parametrize(("value", "threshold", "wanted"), [
    (1.0, 0.0, 0.6),
    (0.0625, 0.0, 0.6 * 0.125),  # 0.0625 ** 0.75 = 1/8
    (-0.0625, 0.0, 0.6 * 0.125),
    (0.5, 0.5, 0.0),
    (0.51, 0.5, 0.6 * 0.51**0.75),
    (-0.4, 0.5, 0.0),
    (0.0, 0.0, 0.0),
])  # fmt: skip
def test_formula(value, threshold, wanted):
    assert alpha(np.array(value), 0.6, threshold) == pytest.approx(wanted)


def test_values_below_the_threshold_stay_photo():
    picture = np.asarray(overlay(GRAY, np.array([[0.3, 0.9]]), WHOLE, threshold=0.5))
    assert np.array_equal(picture[:, :20], GRAY[:, :20])
    color = [round(255 * part) for part in colormaps["viridis"](round(255 * 0.9))[:3]]
    assert near(picture[:, 65:], mixed(color, 0.6 * 0.9**0.75))


def test_signed_heat_is_blue_nothing_and_red():
    values = np.repeat([[-1.0, 0.0, 1.0]], [10, 20, 10], axis=1)  # two pixels a value
    picture = np.asarray(overlay(GRAY, values, WHOLE, signed=True))
    assert near(picture[:, :18], mixed(BLUE, 0.6))
    assert np.array_equal(picture[:, 22:58], GRAY[:, 22:58])
    assert near(picture[:, 62:], mixed(RED, 0.6))


def test_what_the_network_did_not_see_fades_behind_a_hairline():
    box = (10, 20, 40, 50)
    for dark, paper in ((False, (255, 255, 255)), (True, (18, 22, 24))):
        picture = np.asarray(overlay(GRAY, np.zeros((3, 3)), box, dark=dark))
        assert near(picture[0, 0], [0.38 * 100 + 0.62 * band for band in paper])
        assert np.array_equal(picture[10:50, 20:70], GRAY[10:50, 20:70])
        assert (picture[9, 20:70] == 255).all() and (picture[50, 20:70] == 255).all()
        assert (picture[10:50, 19] == 255).all() and (picture[10:50, 70] == 255).all()
        assert (picture[8, 20:70] == 96).all(), "a light line on a dark one"


def test_heat_fills_its_box_and_nothing_else():
    box = (10, 20, 40, 50)
    unheated, heated = (np.asarray(overlay(GRAY, np.full((4, 9), value), box)) for value in (0.0, 1.0))
    rows, columns = np.nonzero((heated != unheated).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 49, 20, 69)
    assert len(rows) == 40 * 50


def test_enlarging_is_bilinear_and_draws_no_rings():
    enlarged = np.asarray(heat(np.array([[0.0, 1.0]]), (8, 1)))[0, :, 3] / 255
    values = np.array([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])  # pixel centers at (i + 0.5) / n
    assert np.abs(enlarged - values**0.75).max() < 0.01
    signed = np.asarray(heat(np.array([[0.0, 0.0, 1.0, 0.0, 0.0]]), (100, 20), signed=True))
    seen = signed[signed[..., 3] > 0]
    assert (seen[:, 0] > seen[:, 2]).all(), "all of it red"


def test_heat_peaks_where_the_map_peaks():
    values = np.zeros((7, 7))
    values[1, 5] = 1
    opaque = np.asarray(heat(values, (140, 70)))[..., 3]
    row, column = np.argwhere(opaque == opaque.max()).mean(axis=0)
    assert (row, column) == pytest.approx((14.5, 109.5), abs=1)


def test_the_browser_draws_with_the_same_numbers():
    script = (Path(shared.render.__file__).parent / "web" / "saliency_paint.js").read_text(encoding="utf-8")
    assert float(re.search(r"GAMMA = ([\d.]+)", script)[1]) == ALPHA_POWER
    assert {float(veil) for veil in re.findall(r"rgb\([\d ]+ / (\.62)\)", script)} == {VEIL}
    assert '"RdBu_r"' in script


@pytest.mark.parametrize(
    ("sign", "peak", "wanted"),
    [
        ("positive", 4, [[0.5, 0, 0]]),
        ("negative", 4, [[0, 1, 0]]),
        ("signed", 4, [[0.5, -1, 0]]),
        ("signed", 0, [[0, 0, 0]]),
        ("positive", 1, [[1, 0, 0]]),
    ],
)
def test_part_never_stretches(sign, peak, wanted):
    assert np.array_equal(part(np.array([[2.0, -4.0, 0.0]]), sign, peak), wanted)


def test_scaled_keeps_shape_and_box():
    photo = Image.fromarray(np.zeros((3000, 4000, 3), np.uint8))
    small, box = scaled(photo, (0, 500, 3000, 3000), 1000)
    assert (small.size, box) == ((1000, 750), (0, 125, 750, 750))
    sliver, box = scaled(Image.new("RGB", (4000, 3)), (2, 3999, 1, 1), 100)
    assert sliver.size == (100, 1)
    assert box == (0, 99, 1, 1)


def test_pixels_of_a_digit_stay_squares():
    digit = Image.fromarray(np.random.default_rng(1).integers(0, 256, (28, 28, 3), dtype=np.uint8))
    large, box = scaled(digit, (0, 0, 28, 28), 280)
    assert np.array_equal(np.asarray(large), np.asarray(digit).repeat(10, 0).repeat(10, 1))
    assert box == (0, 0, 280, 280)


def test_any_mode_of_photo_is_drawn():
    for mode in ("L", "P", "RGBA", "CMYK", "1"):
        assert overlay(Image.new(mode, (80, 60)), np.ones((2, 2)), WHOLE).mode == "RGB"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"box": (0, 0, 61, 80)}, "leaves the photo"),
        ({"box": (-1, 0, 10, 10)}, "leaves the photo"),
        ({"box": (0, 0, 0, 10)}, "leaves the photo"),
        ({"heatmap": np.full((2, 2), np.nan)}, "finite"),
        ({"heatmap": np.ones((2, 2, 3))}, "rows and columns"),
        ({"heatmap": np.ones((0, 2))}, "rows and columns"),
        ({"colormap": "jet"}, "viridis, magma, cividis"),
        ({"opacity": 1.5}, "opacity from 0 to 1"),
        ({"threshold": 1.0}, "threshold"),
    ],
)
def test_bad_input_is_one_sentence(change, sentence):
    with pytest.raises(Problem, match=sentence):
        overlay(**({"photo": GRAY, "heatmap": np.ones((2, 2)), "box": WHOLE} | change))


def test_unknown_sign_is_a_problem():
    with pytest.raises(Problem, match="positive, negative, signed"):
        part(np.ones((2, 2)), "both", 1)
