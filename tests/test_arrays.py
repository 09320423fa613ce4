import pytest

from shared.arrays import evenly


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(50, [0, 7, 14, 21, 28, 35, 42, 49]), (8, list(range(8))), (4, [0, 1, 2, 3]), (1, [0]), (2, [0, 1])],
)
def test_moments_are_spread_from_first_to_last(steps, expected):
    assert evenly(steps, 8) == expected


def test_moments_are_at_most_as_many_as_asked_for():
    for steps in (1, 3, 9, 100):
        found = evenly(steps, 5)
        assert len(found) <= 5 and found[0] == 0 and found[-1] == steps - 1 and found == sorted(set(found))
