"""Landscapes as pixels and on paper: darker is lower, alpha to the right, beta upwards, the ball where it is."""

import io
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from shared.render.animation import STRIP
from shared.render.landscape_figures import landscape_figure
from shared.render.landscape_picture import (
    SHADES,
    WAYS,
    field_of,
    heights,
    landscape_gif,
    landscape_png,
    magnified,
    palette,
    pixels_of,
)
from shared.render.style import LIGHT, save
from shared.results import LossLandscape, WeightPath

SIDE = 161
LINES = np.linspace(-1, 1, 9)
HOSTILE = ["$x^2$", r"$\frac{", "<b>bold</b>", "</script><img src=x onerror=alert(1)>", "\x00", "a\nb", "", "W" * 900]
INK = tuple(int(LIGHT.ink[place : place + 2], 16) for place in (1, 3, 5))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def path_of(places, name="Adam", arrows=None, loss=None):
    places = np.array(places, float)
    count = len(places)
    values = np.linspace(2, 1, count) if loss is None else np.array(loss, float)
    arrows = np.zeros((count, 2)) if arrows is None else np.array(arrows, float)
    return WeightPath(name, np.arange(count) * 5, places, values, values * 1.1, np.ones(count), arrows,
                      np.full(count, 0.5), 0.4)  # fmt: skip


def landscape_of(loss, paths=(), **changes):
    made = LossLandscape(LINES, LINES, np.array(loss, float), ("one", "two"), tuple(paths), 0.0, (1.0, 1.0))
    return replace(made, **changes)


def bowl(a, b):
    """Lowest at alpha ``a``, beta ``b``."""
    return 0.01 + (LINES - a) ** 2 + ((LINES - b) ** 2)[:, None]


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def brightness(picture):
    return picture @ [0.2126, 0.7152, 0.0722]


def film_of(data):
    film, frames, durations = Image.open(io.BytesIO(data)), [], []
    for index in range(film.n_frames):
        film.seek(index)
        frames.append(np.asarray(film.convert("RGB")).astype(int))
        durations.append(film.info["duration"])
    return film, frames, durations


# ---- the field --------------------------------------------------------------------------------------------------
def test_the_palette_grows_lighter_with_the_loss():
    colors = palette()
    assert colors.shape == (256, 3) and colors.dtype == np.uint8
    light = brightness(colors[:SHADES].astype(int))
    assert (np.diff(light) > -1.5).all() and light[0] < 40 < 200 < light[-1]
    assert [tuple(color) for color in colors[SHADES : SHADES + len(WAYS)]] == list(WAYS)
    assert tuple(colors[SHADES + len(WAYS)]) == INK


@pytest.mark.parametrize(("a", "b"), [(0.75, -0.5), (-0.5, 0.75), (0.0, 0.5), (1.0, 1.0), (-1.0, 1.0)])
def test_the_darkest_place_is_the_lowest(a, b):
    light = brightness(palette()[np.asarray(field_of(landscape_of(bowl(a, b)), SIDE))].astype(int))
    assert light.shape == (SIDE, SIDE)
    row, column = np.unravel_index(light.argmin(), light.shape)
    middle = (SIDE - 1) / 2
    assert (column - middle) / middle == pytest.approx(a, abs=0.05), "alpha to the right"
    assert (middle - row) / middle == pytest.approx(b, abs=0.05), "beta upwards"
    dark = light[(*np.round([middle - b * middle, middle + a * middle]).astype(int),)]
    assert dark == pytest.approx(light.min(), abs=3)
    far = np.hypot(*(np.indices(light.shape) - [[[row]], [[column]]]))
    assert np.corrcoef(far.ravel(), light.ravel())[0, 1] > 0.7, "and it grows lighter all around"


def test_heights_are_logarithms_and_what_is_no_number_is_as_high_as_the_highest():
    loss = np.array([[1.0, 10.0], [np.nan, np.inf]])
    np.testing.assert_allclose(heights(loss), [[0, 1], [1, 1]])
    np.testing.assert_allclose(heights(np.array([0.0, 1e-9, -1.0, 1e-4])), -4)
    assert not heights(np.full((2, 2), np.nan)).any()


def test_magnifying_is_bilinear_and_keeps_the_grid():
    values = np.random.default_rng(0).normal(size=(5, 5))
    large = magnified(values, 81)
    np.testing.assert_allclose(large[::20, ::20], values)
    np.testing.assert_allclose(large[10, 10], values[:2, :2].mean())
    np.testing.assert_allclose(large[0, 15], 0.25 * values[0, 0] + 0.75 * values[0, 1])
    assert large.min() >= values.min() and large.max() <= values.max()


def test_contour_lines_follow_the_heights():
    """A slope along alpha has upright lines."""
    found = np.asarray(field_of(landscape_of(np.broadcast_to(10 ** (LINES * 2), (9, 9))), SIDE)).astype(int)
    assert np.ptp(found, axis=0).max() <= 2, "every column is of one shade"
    plain = np.linspace(0, SHADES - 1, SIDE)
    lines = np.abs(found[SIDE // 2] - plain) > 20
    assert (np.diff(lines.astype(int)) == 1).sum() == 12


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-30, 1e30, np.nan, np.inf])
def test_flat_landscapes_and_such_without_numbers(value):
    flat = landscape_of(np.full((9, 9), value), [path_of([(0.5, 0.5), (0, 0)])])
    assert pixels(landscape_png(flat, SIDE)).shape == (SIDE, SIDE, 3)
    assert landscape_gif(flat, [0, 1], ["a", "b"], SIDE).startswith(b"GIF8")
    assert save(landscape_figure(flat, None, "t", "f", "s"), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_losses_that_are_no_numbers_are_drawn_as_walls(odd):
    loss = bowl(0, 0)
    loss[0, 0] = odd
    walled = np.where(np.isfinite(loss), loss, loss[np.isfinite(loss)].max())
    one, other = (landscape_of(each, [path_of([(0.5, 0.5), (0, 0)], loss=[odd, 1])]) for each in (loss, walled))
    assert landscape_png(one, SIDE) == landscape_png(other, SIDE)
    lost = path_of([(0.5, 0.5), (0, 0)], arrows=[(np.nan, np.nan), (odd, 0)], loss=[odd, odd])
    assert landscape_gif(replace(one, paths=(lost,)), [0, 1], ["a", "b"], SIDE).startswith(b"GIF8")
    assert save(landscape_figure(replace(one, paths=(lost,)), 5, "t", "f", "s"), "svg").startswith(b"<?xml")


# ---- ways and balls ---------------------------------------------------------------------------------------------
def test_points_of_the_plane_have_their_pixels():
    landscape = landscape_of(bowl(0, 0), alpha=np.linspace(-2, 6, 9), beta=np.linspace(10, 18, 9))
    found = pixels_of(landscape, np.array([[-2, 18], [6, 10], [0, 16], [8, 14]]), 81)
    assert found == [(0, 0), (80, 80), (20, 20), (100, 40)]


def test_every_way_has_its_color_and_the_end_a_cross():
    ways = [path_of([(0.75, y), (0.25, y), (0, 0)], name) for y, name in ((0.75, "a"), (-0.75, "b"))]
    picture = pixels(landscape_png(landscape_of(bowl(0, 0), ways), SIDE))
    middle = (SIDE - 1) // 2
    for row, color in ((20, WAYS[0]), (140, WAYS[1])):
        line = picture[row - 1 : row + 2, 108:132].reshape(-1, 3)
        assert (line == color).all(1).sum() >= 24, "a line of two pixels"
    assert tuple(picture[middle + 4, middle + 4]) == tuple(picture[middle - 4, middle + 4]) == WAYS[0]
    assert pixels(landscape_png(landscape_of(bowl(0, 0)))).shape == (640, 640, 3)
    many = [path_of([(x, 0.5)], str(x)) for x in np.linspace(-1, 1, 7)]
    assert landscape_png(landscape_of(bowl(0, 0), many), SIDE).startswith(b"\x89PNG")


def test_the_ball_rolls_from_moment_to_moment():
    places = [(-0.75, 0.5), (-0.25, -0.5), (0.5, -0.75)]
    landscape = landscape_of(bowl(0, 0), [path_of(places), path_of([(0.75, 0.75), (0.5, 0.75)], "short")])
    film, frames, durations = film_of(landscape_gif(landscape, [0, 1, 2], ["a", "b", "c"], SIDE, 80))
    assert film.n_frames == 3 and film.size == (SIDE, SIDE + STRIP) and film.info["loop"] == 0
    assert durations == [80, 80, 2000]
    middle = (SIDE - 1) / 2
    for frame, (a, b) in zip(frames, places, strict=True):
        row, column = round(middle - b * middle), round(middle + a * middle)
        around = frame[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3)
        assert (around == WAYS[0]).all(1).mean() > 0.95, "a ball"
    for frame, a in zip(frames, (0.75, 0.5, 0.5), strict=True):  # the shorter way rests at its end
        assert tuple(frame[20, round(middle + a * middle)]) == WAYS[1]
    still = [frame[:SIDE, :40] for frame in frames]
    np.testing.assert_array_equal(still[1][:20], still[2][:20], "nothing flickers")


def test_the_arrow_points_downhill():
    places = [(0.0, 0.0)] * 2
    plain, right, up = (
        film_of(landscape_gif(landscape_of(bowl(0, 0), [path_of(places, arrows=[arrow] * 2)]), [0, 1], "ab", SIDE))[1][
            0
        ]
        for arrow in ((0, 0), (3, 0), (0, 0.1))
    )
    middle = (SIDE - 1) // 2
    for frame, across, above in ((right, 1, 0), (up, 0, 1)):
        rows, columns = np.nonzero((frame[:SIDE] != plain[:SIDE]).any(2))
        assert (columns.mean() - middle > 15) == bool(across) and (middle - rows.mean() > 15) == bool(above)
        assert min(columns.mean() - middle, middle - rows.mean()) > -2
    lengths = []
    landscape = landscape_of(bowl(0, 0), [path_of([(0, 0)] * 3, arrows=[(4, 0), (1, 0), (0, 0)])])
    for frame in film_of(landscape_gif(landscape, [0, 1, 2], "abc", SIDE))[1]:
        lengths.append(((frame[:SIDE] != plain[:SIDE]).any(2)).any(0).nonzero()[0].max(initial=0))
    assert lengths[0] > lengths[1] + 10 > lengths[2] + 10, "its length tells the slope"


def test_the_line_below_grows_to_the_full_width():
    landscape = landscape_of(bowl(0, 0), [path_of([(0.5, 0.5), (0.2, 0.2), (0, 0), (0, 0.1)])])
    _, frames, _ = film_of(landscape_gif(landscape, range(4), "abcd", SIDE))
    muted = tuple(int(LIGHT.muted[place : place + 2], 16) for place in (1, 3, 5))
    widths = [int((frame[SIDE] == muted).all(1).sum()) for frame in frames]
    assert widths == [round(SIDE * (index + 1) / 4) for index in range(4)]


# ---- on paper ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files_repeat_byte_by_byte(kind):
    landscape = landscape_of(bowl(0.5, 0), [path_of([(0.5, 0.5), (0, 0)]), path_of([(-0.5, 0.5), (0, 0)], "SGD")])
    one, two = (save(landscape_figure(landscape, 5, "title", "finding", "source"), kind) for _ in range(2))
    assert one == two and len(one) > 3000
    assert landscape_png(landscape, SIDE) == landscape_png(landscape, SIDE)
    assert landscape_gif(landscape, [0, 1], "ab", SIDE) == landscape_gif(landscape, [0, 1], "ab", SIDE)


def test_the_figure_shows_both_losses_of_every_way():
    ways = [path_of([(0.5, 0.5), (0.2, 0), (0, 0)]), path_of([(-0.5, 0.5), (0, 0)], "SGD")]
    drawn = landscape_figure(landscape_of(bowl(0, 0), ways), 5, "title", "finding", "source")
    surface, bar, curves = drawn.axes
    assert surface.get_xlabel() == "one" and surface.get_ylabel() == "two"
    assert surface.get_xlim() == surface.get_ylim() == (-1, 1)
    for number, way in enumerate(ways):
        np.testing.assert_array_equal(curves.lines[2 * number].get_ydata(), way.loss)
        np.testing.assert_array_equal(curves.lines[2 * number + 1].get_ydata(), way.plane_loss)
    ball = surface.lines[2].get_xydata()
    np.testing.assert_allclose(ball, [[0.2, 0]])
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["Adam", "SGD"]
    shades = [float(text.get_text()) for text in bar.get_yticklabels()]
    assert shades == sorted(shades) and shades[0] == pytest.approx(0.01, rel=0.01)
    assert shades[-1] == pytest.approx(2.01, rel=0.01)


@pytest.mark.parametrize(("epoch", "place"), [(None, 2), (0, 0), (4, 1), (10, 2), (10**9, 2), (-3, 0)])
def test_the_ball_on_paper_lies_at_the_nearest_moment(epoch, place):
    way = path_of([(0.5, 0.5), (0.2, 0), (0, 0)])
    drawn = landscape_figure(landscape_of(bowl(0, 0), [way]), epoch, "t", "f", "s")
    np.testing.assert_allclose(drawn.axes[0].lines[2].get_xydata(), way.coordinates[[place]])


def test_losses_over_a_wide_range_are_drawn_as_logarithms():
    for loss, scale in (([1.0, 0.5], "linear"), ([3.0, 1e-4], "log"), ([1.0, 0.0], "linear")):
        way = path_of([(0.5, 0.5), (0, 0)], loss=loss)
        assert landscape_figure(landscape_of(bowl(0, 0), [way]), None, "t", "f", "s").axes[2].get_yscale() == scale


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text):
    landscape = landscape_of(bowl(0, 0), [path_of([(0.5, 0.5), (0, 0)], text)], axes=(text, text))
    drawn = landscape_figure(landscape, None, text, text, text)
    assert not any(found.get_parse_math() and "$" in found.get_text() for found in drawn.findobj(Text))
    svg = save(drawn, "svg").decode()
    assert not re.search(r"<(script|img|b)[\s>]", svg)
    assert save(drawn, "pdf").startswith(b"%PDF")
    assert landscape_gif(landscape, [0, 1], [text, text], SIDE).startswith(b"GIF8")
