"""Samples as a grid, a run as a film and as a strip."""

import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from shared.render import style
from shared.render.animation import PROGRESS, STRIP, captioned, gif
from shared.render.denoising_figures import MOMENTS, VIEWS, filmstrip
from shared.render.denoising_picture import (
    FRAME_MILLISECONDS,
    LAST_FRAME_MILLISECONDS,
    MOST_FRAMES,
    bytes_of,
    columns_for,
    film_gif,
    grid,
    grid_png,
)
from shared.results import Trajectory

WORDS = ("Sneaker: seed 0, 6 DDIM steps", "The shape is there at t = 666.", "toy")
HOSTILE = [
    "$x^2$",
    r"$\frac{",
    "</script><img src=x onerror=alert(1)>",
    "\x00",
    "\ud800",
    "‮evil",
    "a\nb",
    "",
    "W" * 900,
]


def run_of(steps=6, samples=2, channels=1, side=8):
    random = np.random.default_rng(0)
    timesteps = np.arange(1000, 0, -1000 // steps)[:steps] - 1
    return Trajectory(
        x=random.standard_normal((steps + 1, samples, channels, side, side)).astype(np.float32),
        x0=random.uniform(-1, 1, (steps, samples, channels, side, side)).astype(np.float16),
        eps=random.standard_normal((steps, samples, channels, side, side)).astype(np.float16),
        timesteps=timesteps,
        alphas_cumprod=np.linspace(0, 1, steps),
        labels=np.full(samples, -1),
        seed=0,
    )


# ---- the grid ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("samples", "columns"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 3), (8, 4), (9, 3), (10, 5), (12, 4), (16, 4)]
)
def test_rows_are_full(samples, columns):
    assert columns_for(samples) == columns


@pytest.mark.parametrize("samples", range(1, 17))
def test_grids_are_no_long_strips(samples):
    columns = columns_for(samples)
    rows = -(-samples // columns)
    assert columns <= 5 and rows * columns - samples < columns
    last = np.asarray(grid(np.full((samples, 1, 2, 2), -1.0), 1))
    assert last.shape[:2] == (3 * rows - 1, 3 * columns - 1)
    assert (last == 0).all(-1).sum() == 4 * samples, "cells without a sample stay white"


def test_samples_lie_in_reading_order_with_a_gap():
    pictures = np.linspace(-1, 1, 6).reshape(6, 1, 1, 1) * np.ones((1, 1, 4, 5))
    picture = np.asarray(grid(pictures, 34))
    times = 34 // (3 * 6 - 1)
    assert picture.shape == (times * 9, times * 17, 3)
    small = picture[::times, ::times]
    np.testing.assert_array_equal(small.repeat(times, 0).repeat(times, 1), picture)
    for index in range(6):
        top, left = index // 3 * 5, index % 3 * 6
        cell = small[top : top + 4, left : left + 5]
        assert (cell == round(index / 5 * 255)).all()
    assert (small[4] == 255).all() and (small[:, 5] == 255).all() and (small[:, 11] == 255).all()


def test_a_sheet_wider_than_asked_for_is_not_reduced():
    assert grid(np.zeros((4, 1, 32, 32)), 10).size == (4 * 33 - 1, 32)


def test_colors_stay_colors_and_the_rest_is_clipped():
    pictures = np.array([[-3.0, 0.0, 3.0], [-1.0, 1.0, 0.2]]).reshape(2, 3, 1, 1)
    assert bytes_of(pictures).reshape(2, 3).tolist() == [[0, 128, 255], [0, 255, 153]]
    assert bytes_of(np.full((2, 1, 1, 1), 0.2)).reshape(2, 3).tolist() == [[153] * 3] * 2


def test_the_file_of_a_grid():
    pictures = np.random.default_rng(1).uniform(-1, 1, (4, 1, 8, 8))
    data = grid_png(pictures, 200)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(grid(pictures, 200)))
    assert grid_png(pictures, 200) == data


# ---- the film ---------------------------------------------------------------------------------------------------
def frames_of(data):
    film = Image.open(io.BytesIO(data))
    found = []
    for index in range(film.n_frames):
        film.seek(index)
        found.append((film.info["duration"], np.asarray(film.convert("RGB"))))
    return film, found


def test_a_film_shows_every_state_and_stands_at_the_end():
    run = run_of()
    film, frames = frames_of(film_gif(run.x, run.timesteps.tolist()))
    assert film.format == "GIF" and film.info["loop"] == 0 and len(frames) == 7
    assert [duration for duration, _ in frames] == [FRAME_MILLISECONDS] * 6 + [LAST_FRAME_MILLISECONDS]
    for (_, frame), state in zip(frames, run.x, strict=True):
        expected = np.asarray(grid(state, 480)).astype(int)
        seen = frame[: expected.shape[0]].astype(int)
        assert np.abs(seen - expected).mean() < 3, "one palette fits all grays"


def test_a_line_grows_with_the_film():
    run = run_of()
    _, frames = frames_of(film_gif(run.x, run.timesteps.tolist()))
    height = frames[0][1].shape[0] - STRIP
    accent = np.array([int(style.LIGHT.accent[place : place + 2], 16) for place in (1, 3, 5)])
    lengths = [(np.abs(frame[height + 1].astype(int) - accent).max(-1) < 24).sum() for _, frame in frames]
    width = frames[0][1].shape[1]
    np.testing.assert_allclose(lengths, width * np.arange(1, 8) / 7, atol=2)


def test_long_films_are_cut_to_the_first_and_the_last_and_what_lies_between():
    x = np.linspace(-1, 1, 201).reshape(-1, 1, 1, 1, 1) * np.ones((1, 1, 1, 4, 4))
    _, frames = frames_of(film_gif(x, list(range(200, 0, -1))))
    assert len(frames) == MOST_FRAMES
    grays = [int(frame[2, 2, 0]) for _, frame in frames]
    assert grays[0] < 4 and grays[-1] > 248 and grays == sorted(grays)


def test_every_frame_says_its_level(monkeypatch):
    run, names = run_of(), []
    keep = lambda picture, name, done: names.append(name) or captioned(picture, name, done)  # noqa: E731
    monkeypatch.setattr("shared.render.denoising_picture.captioned", keep)
    film_gif(run.x, run.timesteps.tolist())
    assert names == [*(f"t = {t}" for t in run.timesteps), "done"]


def test_one_palette_and_the_same_file_every_time():
    frames = [Image.new("RGB", (20, 10), (shade, 0, 0)) for shade in (0, 100, 200)]
    data = gif(frames, 50, 900)
    assert data == gif(frames, 50, 900)
    film, found = frames_of(data)
    assert [duration for duration, _ in found] == [50, 50, 900]
    assert [frame[5, 5].tolist() for _, frame in found] == [[0, 0, 0], [100, 0, 0], [200, 0, 0]]


@pytest.mark.parametrize("name", HOSTILE)
def test_captions_are_inert(name):
    frame = captioned(Image.new("RGB", (60, 20), "black"), name, 1.0)
    assert frame.size == (60, 20 + STRIP)
    assert np.asarray(frame)[20 + PROGRESS + 1 :, -2:].min() == 255, "no letter reaches the edge"


# ---- the strip --------------------------------------------------------------------------------------------------
def texts_of(figure):
    tree = ElementTree.fromstring(style.save(figure, "svg"))
    return ["".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text")]


def cells_of(figure, columns):
    """The pictures of a strip by row: x_t has one more, for the end."""
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    lengths = [columns + 1, columns, columns] * (len(shown) // (3 * columns + 1))
    ends = np.cumsum(lengths)
    assert ends[-1] == len(shown)
    return [shown[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def test_the_strip_has_three_rows_for_each_sample_and_names_every_level():
    run = run_of()
    figure = filmstrip(run, [0, 1], *WORDS)
    assert len(cells_of(figure, 6)) == 6
    texts = texts_of(figure)
    assert {*map(str, run.timesteps), "end", "t =", *WORDS[:2]} <= set(texts)
    assert [texts.count(view) for view in VIEWS] == [2, 2, 2]
    assert any(text.endswith(WORDS[2]) for text in texts)


def test_the_rows_are_picture_belief_and_noise():
    run = run_of()
    x, x0, eps = cells_of(filmstrip(run, [1], *WORDS), 6)
    for column in range(6):
        np.testing.assert_array_equal(x[column], bytes_of(run.x[column, 1]))
        np.testing.assert_array_equal(x0[column], bytes_of(run.x0[column, 1]))
        np.testing.assert_allclose(eps[column], bytes_of(run.eps[column, 1].astype(np.float32) / 3), atol=1)
    np.testing.assert_array_equal(x[6], bytes_of(run.x[-1, 1]))


def test_columns_go_from_left_to_right_and_rows_from_top_to_bottom():
    figure = filmstrip(run_of(), [0, 1], *WORDS)
    places = [axes.get_position() for axes in figure.axes]
    width, height = figure.get_size_inches()
    assert all(place.width * width == pytest.approx(place.height * height) for place in places), "pixels are square"
    rows = sorted({round(place.y0, 6) for place in places}, reverse=True)
    assert [round(place.y0, 6) for place in places] == [
        row for row, count in zip(rows, [7, 6, 6] * 2, strict=True) for _ in range(count)
    ]
    assert not any(one.overlaps(other) for index, one in enumerate(places) for other in places[:index])
    lefts = [place.x0 for place in places[:7]]
    assert lefts == sorted(lefts) and [place.x0 for place in places[7:13]] == lefts[:6]


def test_long_runs_are_shown_at_some_moments():
    figure = filmstrip(run_of(100), [0], *WORDS, moments=5)
    assert len(cells_of(figure, 5)) == 3
    assert {"999", "9", "end"} <= set(texts_of(figure))
    assert len(cells_of(filmstrip(run_of(40), [0], *WORDS), MOMENTS)) == 3


def test_the_strip_is_no_blank_sheet():
    picture = np.asarray(Image.open(io.BytesIO(style.save(filmstrip(run_of(), [0], *WORDS), "png", 80))).convert("L"))
    assert picture[:2].min() == picture[-2:].min() == 255, "paper around it"
    assert (picture < 128).mean() > 0.05 and len(np.unique(picture)) > 50


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files_are_repeatable(kind):
    first, second = (style.save(filmstrip(run_of(channels=3), [0], *WORDS), kind, 50) for _ in range(2))
    assert first == second and len(first) > 1000


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_literally(text):
    figure = filmstrip(run_of(), [0], text, text, text)
    assert style.save(figure, "png", 40)
    shown = texts_of(figure)  # parses, so no NUL and no unescaped tag came through
    if text.startswith(("$", "<")):
        assert any(text in each.replace("\n", "") for each in shown)


def test_everything_stays_on_the_sheet():
    for steps, words in ((6, WORDS), (1, WORDS), (4, ("W" * 300, "word " * 200, "source " * 90))):
        figure = filmstrip(run_of(steps), [0], *words)
        figure.canvas.draw()
        edge = figure.bbox
        for text in figure.texts:
            box = text.get_window_extent()
            assert edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1, text


def test_nothing_heavy_is_imported_before_a_picture():
    code = "import sys, shared.render.denoising_figures, shared.render.denoising_picture\n"
    code += "print([name for name in ('matplotlib', 'torch', 'gradio', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
