"""What a network says everywhere in a window."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from shared.explain import fields as module
from shared.explain.fields import EMPTY, MARGIN, fields, places, window_of
from shared.models.plane_network import Shape, build, flat_weights, forward, probabilities
from shared.models.point_sets import load

WINDOW = (-3.0, 1.0, 2.0, 10.0)  # left, right, bottom, top


def test_places_are_the_middles_of_cells_from_the_top_left():
    found = places(WINDOW, 4).reshape(4, 4, 2)
    np.testing.assert_allclose(found[:, :, 0], [[-2.5, -1.5, -0.5, 0.5]] * 4)
    np.testing.assert_allclose(found[:, 0, 1], [9, 7, 5, 3])
    assert found.dtype == np.float32 and places(WINDOW, 1).tolist() == [[-1, 6]]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("at_once", [10**9, 60, 1])
def test_fields_are_the_network_at_these_places(outputs, at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    shape = Shape((2, 6, outputs), output="sigmoid" if outputs == 1 else "softmax")
    frames = torch.stack([flat_weights(build(shape, torch.Generator().manual_seed(seed))) for seed in range(5)])
    found = list(fields(shape, frames.numpy(), WINDOW, 5))
    assert len(found) == 5
    for frame, field in zip(frames, found, strict=True):
        assert field.shape == (max(2, outputs), 5, 5) and field.dtype == np.float32
        np.testing.assert_allclose(field.sum(0), 1, atol=1e-5)
        for row, y in enumerate(np.linspace(9.2, 2.8, 5)):
            for column, x in enumerate(np.linspace(-2.6, 0.6, 5)):
                outs = forward(shape, frame[None], torch.tensor([[x, y]], dtype=torch.float32))
                np.testing.assert_allclose(field[:, row, column], probabilities(shape, outs)[0, 0], atol=1e-5)


def test_up_is_up_and_right_is_right():
    shape = Shape((2, 1), output="step")
    (upper,) = fields(shape, np.array([[0, 1, -6]], np.float32), WINDOW, 8)  # y > 6
    assert upper[1, :4].min() == 1 and upper[1, 4:].max() == 0
    (right,) = fields(shape, np.array([[1, 0, 1]], np.float32), WINDOW, 8)  # x > -1
    assert right[1, :, 4:].min() == 1 and right[1, :, :4].max() == 0


@pytest.mark.parametrize("name", ["moons", "iris"])
def test_the_window_holds_all_points_with_a_margin(name):
    points = load(name, 100, 0.2, 0.3, 0)
    left, right, bottom, top = window_of(points)
    low, high = points.x.min(0), points.x.max(0)
    extent = high - low
    np.testing.assert_allclose([left, bottom], low - MARGIN * extent, rtol=1e-5)
    np.testing.assert_allclose([right, top], high + MARGIN * extent, rtol=1e-5)


def test_windows_of_nothing_and_of_one_spot():
    points = load("painted", 100, 0.2, 0.3, 0)
    assert window_of(points) == EMPTY
    left, right, bottom, top = window_of(replace(points, x=np.array([[1.0, 2.0]], np.float32)))
    assert left < 1 < right and bottom < 2 < top
