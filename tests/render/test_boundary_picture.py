"""Boundaries as pixels and on paper: colors, orientation, points, captions, and words that stay words."""

import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from shared.render.animation import STRIP
from shared.render.boundary_figures import blended, boundary_figure
from shared.render.boundary_picture import (
    COLORS,
    INKS,
    SUREST,
    boundary_gif,
    boundary_png,
    levels_of,
    palette,
    shaded,
)
from shared.render.style import LIGHT, save
from shared.results import Points, Training

BLUE, ORANGE = COLORS[:2]
INK = tuple(int(LIGHT.ink[place : place + 2], 16) for place in (1, 3, 5))
WINDOW = (-1.0, 3.0, 10.0, 14.0)  # left, right, bottom, top
SIDE = 80
HOSTILE = [
    "$x^2$",
    r"$\frac{",
    "<b>bold</b>",
    "</script><img src=x onerror=alert(1)>",
    "\x00",
    "\ud800",
    "a\nb",
    "",
    "W" * 900,
]


def points_of(x=(), labels=(), validation=(), classes=("a", "b"), **changes):
    places, held_out = np.array(x, np.float32).reshape(-1, 2), np.array(validation, bool)
    numbers = np.array(labels, np.int64)
    made = Points("by hand", places, numbers, held_out, tuple(classes), ("x", "y"), np.zeros(2), np.ones(2))
    return replace(made, **changes)


def field_of(ones):
    """A field of two classes from the probability of class 1."""
    ones = np.asarray(ones, np.float32)
    return np.stack([1 - ones, ones])


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def mixed(color):
    """A class's color where nothing is surer."""
    return 255 + (np.array(color) - 255) * SUREST


def frames_of(data):
    film, found = Image.open(io.BytesIO(data)), []
    for index in range(film.n_frames):
        film.seek(index)
        found.append((film.info["duration"], np.asarray(film.convert("RGB")).astype(int)))
    return film, found


# ---- the field --------------------------------------------------------------------------------------------------
def test_class_0_is_blue_and_class_1_is_orange():
    for probability, color in ((0.0, BLUE), (1.0, ORANGE)):
        found = pixels(boundary_png(field_of(np.full((SIDE, SIDE), probability)), points_of(), WINDOW))
        assert found.shape == (SIDE, SIDE, 3)
        np.testing.assert_allclose(found, np.broadcast_to(mixed(color), found.shape), atol=1)
    assert BLUE[2] > BLUE[0] + 100 and ORANGE[0] > ORANGE[2] + 100


def test_what_is_undecided_is_paper():
    found = pixels(boundary_png(field_of(np.full((SIDE, SIDE), 0.5)), points_of(), WINDOW))
    assert found.min() > 245


def test_surer_is_stronger():
    strengths = []
    for probability in (0.5, 0.6, 0.75, 0.9, 1.0):
        found = pixels(boundary_png(field_of(np.full((8, 8), probability)), points_of(), WINDOW))
        strengths.append(255 - found[0, 0, 2])
    assert strengths == sorted(set(strengths))


@pytest.mark.parametrize("classes", range(3, 11))
def test_several_classes_have_their_colors(classes):
    field = np.zeros((classes, classes, classes), np.float32)
    field[np.arange(classes), :, np.arange(classes)] = 1  # column k is class k
    field = field.repeat(4, 1).repeat(4, 2)
    found = pixels(boundary_png(field, points_of(classes="k" * classes), WINDOW))
    for kind in range(classes):
        np.testing.assert_allclose(found[0, 4 * kind + 2], mixed(COLORS[kind]), atol=1)
        if kind:
            np.testing.assert_allclose(found[:, 4 * kind], np.broadcast_to(INK, (4 * classes, 3)), atol=1)


@pytest.mark.parametrize("classes", range(2, 11))
def test_all_places_lie_in_the_palette(classes):
    random = np.random.default_rng(classes)
    field = random.dirichlet(np.full(classes, 0.3), (40, 40)).transpose(2, 0, 1).astype(np.float32)
    places = shaded(field)
    assert places.dtype == np.uint8 and palette(classes).shape == (256, 3)
    used = places[places != INKS - 1]
    assert used.min() >= INKS + classes
    assert used.max() < INKS + classes + levels_of(classes) * (1 if classes == 2 else classes) <= 256
    if classes > 2:
        inside = places != INKS - 1
        np.testing.assert_array_equal(
            ((places - INKS - classes) // levels_of(classes))[inside], field.argmax(0)[inside]
        )


def test_the_border_runs_where_the_answer_changes():
    ones = np.zeros((SIDE, SIDE))
    ones[:, 30:] = 1
    found = pixels(boundary_png(field_of(ones), points_of(), WINDOW))
    dark = (np.abs(found - INK).max(2) < 3).all(0)
    assert np.flatnonzero(dark).tolist() == [30]


# ---- the points -------------------------------------------------------------------------------------------------
def test_points_lie_where_they_are():
    x = [(0.0, 13.0), (2.0, 11.0), (2.0, 13.5), (99.0, 99.0)]
    points = points_of(x, [1, 0, 1, 1], [False, False, True, False])
    found = pixels(boundary_png(field_of(np.full((SIDE, SIDE), 0.5)), points, WINDOW))
    for (x0, y0), color in (((0, 13), ORANGE), ((2, 11), BLUE)):
        column, row = round((x0 + 1) / 4 * SIDE), round((14 - y0) / 4 * SIDE)
        np.testing.assert_allclose(found[row, column], color, atol=1)
    column, row = round(3 / 4 * SIDE), round(0.5 / 4 * SIDE)
    assert found[row, column].min() > 250, "what is held out is a ring"
    assert (np.abs(found[row - 6 : row + 7, column - 6 : column + 7] - ORANGE).max(2) < 2).sum() > 8
    assert found[SIDE // 2, 5].min() > 245, "nothing where no point is"


# ---- the film ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_film_has_a_frame_for_each_name(count):
    fields = (field_of(np.full((SIDE, SIDE), place / 6)) for place in range(count))
    film, frames = frames_of(boundary_gif(fields, [f"epoch {place}" for place in range(count)], points_of(), WINDOW))
    assert film.format == "GIF" and len(frames) == count
    assert all(frame.shape == (SIDE + STRIP, SIDE, 3) for _, frame in frames)
    for place, (duration, frame) in enumerate(frames):
        assert count == 1 or duration == (2000 if place == count - 1 else 60)
        expected = pixels(boundary_png(field_of(np.full((SIDE, SIDE), place / 6)), points_of(), WINDOW))
        np.testing.assert_array_equal(frame[:SIDE], expected)
        line = (np.abs(frame[SIDE] - INK).max(1) < 3).sum()
        assert line == round((place + 1) / count * SIDE)


def test_frames_that_are_alike_stay_frames():
    same = field_of(np.full((SIDE, SIDE), 0.3))
    film, _ = frames_of(boundary_gif([same] * 5, ["epoch"] * 5, points_of(), WINDOW))
    assert film.n_frames == 5


def test_every_frame_needs_a_name():
    with pytest.raises(ValueError, match="argument"):
        boundary_gif([field_of(np.zeros((8, 8)))] * 2, ["one"], points_of(), WINDOW)


@pytest.mark.parametrize("name", HOSTILE)
def test_captions_are_inert(name):
    _, frames = frames_of(boundary_gif([field_of(np.zeros((SIDE, SIDE)))], [name], points_of(), WINDOW))
    assert frames[0][1].shape == (SIDE + STRIP, SIDE, 3)
    assert frames[0][1][SIDE + 6 :, -2:].min() == 255, "no letter reaches the edge"


def test_the_same_film_every_time():
    field, points = field_of(np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)), points_of([(0, 12)], [1], [False])
    assert boundary_gif([field], ["a"], points, WINDOW) == boundary_gif([field], ["a"], points, WINDOW)
    assert boundary_png(field, points, WINDOW) == boundary_png(field, points, WINDOW)


# ---- on paper ---------------------------------------------------------------------------------------------------
def run_of(epochs=4, validation=True):
    loss = np.stack([np.linspace(1, 0.2, epochs + 1), np.linspace(1, 0.5, epochs + 1)], 1)
    if not validation:
        loss[:, 1] = np.nan
    return Training(np.arange(epochs + 1), np.zeros((epochs + 1, 3)), np.zeros((epochs + 1, 1)), loss, 1 - loss / 2, "")


def figure(points=None, field=None, run=None, words=("Title", "A finding.", "Source")):
    points = points or points_of([(0, 11), (2, 13)], [0, 1], [False, True])
    field = field_of(np.tile(np.linspace(0, 1, 40), (40, 1))) if field is None else field
    return boundary_figure(field, points, WINDOW, run or run_of(), 3, *words)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figures_are_the_same_every_time(kind):
    assert save(figure(), kind) == save(figure(), kind)


def test_a_figure_shows_field_points_and_curves():
    drawn = figure()
    texts = {text.get_text() for text in drawn.findobj(Text)}
    assert {"Title", "A finding.", "x", "y", "loss", "accuracy", "training", "validation"} <= texts
    field, loss, accuracy = drawn.axes
    assert field.get_xlim() == (-1, 3) and field.get_ylim() == (10, 14)
    assert [len(axes.lines) for axes in (loss, accuracy)] == [3, 3]
    np.testing.assert_allclose(loss.lines[0].get_ydata(), np.linspace(1, 0.2, 5))
    assert loss.lines[2].get_xdata()[0] == 3, "the mark stands at the epoch"
    found = pixels(save(drawn, "png"))
    height, width = found.shape[:2]
    row = found[round(height * (1 - 0.47))]
    left, right = row[round(width * 0.09)], row[round(width * 0.5)]
    assert left[2] > left[0] + 40 and right[0] > right[2] + 40, "blue on the left, orange on the right"


def test_a_figure_is_in_the_units_of_its_axes():
    points = points_of([(0, 11)], [0], [False], mean=np.array([100.0, -5.0]), scale=np.array([10.0, 0.5]))
    axes = figure(points).axes[0]
    assert axes.get_xlim() == (90, 130) and axes.get_ylim() == (0, 2)
    places = np.concatenate([each.get_offsets() for each in axes.collections if len(each.get_offsets()) == 1])
    assert [100.0, 0.5] in places.tolist()


def test_up_is_up_on_paper():
    ones = np.zeros((40, 40))
    ones[:20] = 1  # the upper half is class 1
    found = pixels(save(figure(points_of(), field_of(ones)), "png"))
    height, width = found.shape[:2]
    column = found[:, round(width * 0.3)]
    upper, lower = column[round(height * (1 - 0.7))], column[round(height * (1 - 0.2))]
    assert upper[0] > upper[2] + 40 and lower[2] > lower[0] + 40


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_colors_on_paper_are_those_of_the_film(classes):
    field = np.eye(classes, dtype=np.float32)[:, None, :]
    np.testing.assert_allclose(blended(field)[0] * 255, [mixed(color) for color in COLORS[:classes]], atol=1e-6)
    assert blended(np.full((classes, 1, 1), 1 / classes)).min() == pytest.approx(1)


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_stay_words(word):
    points = points_of([(0, 11), (2, 13)], [0, 1], [False, True], axes=(word, word), classes=(word, word + "2"))
    drawn = figure(points, words=(word, word, word))
    text = save(drawn, "svg").decode()
    ElementTree.fromstring(text)
    assert not re.search(r"<(script|b|img)[\s>]", text)
    if word in ("$x^2$", "<b>bold</b>"):
        assert drawn.axes[0].get_xlabel() == word


@pytest.mark.parametrize(
    ("points", "run"),
    [(points_of(), run_of(0)), (None, run_of(validation=False)), (points_of([(0, 11)], [0], [True]), run_of(1))],
    ids=["nothing", "no validation", "one point"],
)
def test_figures_of_little(points, run):
    assert save(figure(points, run=run), "png").startswith(b"\x89PNG")


def test_a_field_of_one_answer_has_no_border():
    drawn = figure(field=field_of(np.full((20, 20), 0.9)))
    assert save(drawn, "png").startswith(b"\x89PNG")
    assert not [each for each in drawn.axes[0].collections if each.__class__.__name__.endswith("ContourSet")]
