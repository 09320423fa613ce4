import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.models.digits import like_mnist
from shared.problems import Problem


def seven(left=30, top=20, size=(280, 280), scale=1.0):
    pad = Image.new("L", size)
    points = [(left + scale * x, top + scale * y) for x, y in ((0, 0), (110, 0), (50, 170))]
    ImageDraw.Draw(pad).line(points, fill=255, width=int(20 * scale))
    return np.asarray(pad)


def center_of_mass(picture):
    weights = picture / picture.sum()
    return [float((weights.sum(axis=1 - axis) * np.arange(28)).sum()) for axis in (0, 1)]


@pytest.mark.parametrize("place", [(30, 20), (150, 90), (5, 100)])
def test_a_seven_lies_with_its_mass_in_the_middle(place):
    picture = like_mnist(seven(*place))
    assert picture.shape == (28, 28) and picture.dtype == np.uint8
    assert max(abs(center - 13.5) for center in center_of_mass(picture)) <= 0.5


def test_the_longer_side_is_twenty_pixels_and_proportions_stay():
    picture = like_mnist(seven())
    rows, columns = np.nonzero(picture)
    ink = np.nonzero(seven())
    height, width = (int(np.ptp(side)) + 1 for side in ink)
    assert np.ptp(rows) + 1 == 20
    assert abs(np.ptp(columns) + 1 - 20 * width / height) <= 1


def test_place_and_scale_do_not_matter():
    small, large = like_mnist(seven(10, 10)), like_mnist(seven(60, 90, (560, 560), scale=2.0))
    assert np.abs(small.astype(float) - large).mean() < 6  # a tenth of the ink's mean


def test_a_solid_square_is_worked_out_by_hand():
    pad = np.zeros((100, 200), np.uint8)
    pad[10:50, 120:160] = 255
    expected = np.zeros((28, 28), np.uint8)
    expected[4:24, 4:24] = 255
    np.testing.assert_array_equal(like_mnist(pad), expected)


def test_ink_never_leaves_the_picture():
    pad = np.full((100, 100), 1, np.uint8)
    pad[90:, 90:] = 255  # nearly all mass in one corner
    assert np.count_nonzero(like_mnist(pad)) == 400


def test_an_empty_pad_is_a_problem():
    with pytest.raises(Problem, match="draw"):
        like_mnist(np.zeros((280, 280), np.uint8))
