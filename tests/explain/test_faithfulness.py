"""Deletion, insertion, average drop: a network that reads one quarter of the picture, and maps that know or do not."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.faithfulness import blurred, center_map, faithfulness, order_of, random_floor, unit
from shared.explain.targets import Target


class Corner(nn.Module):
    """The logit of class 1 is the contrast within the upper left quarter; class 0 is at zero."""

    def forward(self, pictures):
        quarter = pictures[:, :, :8, :8]
        logit = 8 * quarter.std((1, 2, 3)) - 4
        return torch.stack([torch.zeros_like(logit), logit], 1)


@pytest.fixture
def inputs():
    return torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def quarter(row, column):
    heat = np.zeros((16, 16), np.float32)
    heat[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 1
    return heat


def test_the_true_map_beats_wrong_and_random_ones(inputs):
    true = faithfulness(Corner(), inputs, Target(1), quarter(0, 0))
    wrong = faithfulness(Corner(), inputs, Target(1), quarter(1, 1))
    floor = random_floor(Corner(), inputs, Target(1), (4, 4))
    assert true.score > 0.3 > abs(floor.score) and wrong.score < floor.score
    assert true.average_drop < 0.05 < wrong.average_drop


def test_both_curves_run_between_the_picture_and_its_blur(inputs):
    test = faithfulness(Corner(), inputs, Target(1), quarter(0, 0))
    probability = Corner()(inputs).softmax(1)[0, 1]
    gone = Corner()(blurred(inputs)).softmax(1)[0, 1]
    ends = [test.deletion[0], test.insertion[-1], test.deletion[-1], test.insertion[0]]
    np.testing.assert_allclose(ends, [probability, probability, gone, gone], rtol=1e-5)
    assert test.fractions[0] == 0 and test.fractions[-1] == 1
    by_hand = ((test.deletion[1:] + test.deletion[:-1]) / 2 * np.diff(test.fractions)).sum()
    assert test.deletion_auc == pytest.approx(by_hand, rel=1e-5)
    assert test.score == test.insertion_auc - test.deletion_auc


def test_a_contrast_is_measured_by_its_own_probability(inputs):
    own = faithfulness(Corner(), inputs, Target(1, 0), quarter(0, 0))
    np.testing.assert_allclose(
        own.deletion, faithfulness(Corner(), inputs, Target(1), quarter(0, 0)).deletion, rtol=1e-5
    )


def test_blurring_keeps_the_mean_and_takes_the_detail(inputs):
    soft = blurred(inputs)
    assert soft.shape == inputs.shape and soft.std() < 0.4 * inputs.std()
    flat = torch.full((1, 3, 16, 16), 0.7)
    torch.testing.assert_close(blurred(flat), flat)


def test_the_hottest_come_first_and_ties_are_shuffled():
    heat = np.array([[0, 1], [3, 2]], np.float32)
    assert order_of(heat, (2, 2)).tolist() == [2, 3, 1, 0]
    blank = order_of(np.zeros((8, 8), np.float32), (8, 8))
    assert sorted(blank) == list(range(64)) and blank.tolist() != list(range(64))


def test_a_blank_map_is_not_stretched():
    assert (unit(np.full((2, 2), -3.0)) == 0).all()
    np.testing.assert_allclose(unit(np.array([[-1.0, 2.0], [4.0, 0.0]])), [[0, 0.5], [1, 0]])


def test_the_center_is_hottest_in_the_middle():
    heat = center_map((9, 13))
    assert np.unravel_index(heat.argmax(), heat.shape) == (4, 6) and heat.max() == 1
    np.testing.assert_allclose(heat, heat[::-1, ::-1], rtol=1e-6)
    assert heat[0, 6] == pytest.approx(np.exp(-2))
