"""Numbers from text fields."""

import math

import pytest

from shared.problems import Problem
from shared.ui import decimal, whole


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 12 ", 12), ("+7", 7), (20, 20)])
def test_whole_numbers(text, number):
    assert whole(text, "seed", 0, 20) == number


@pytest.mark.parametrize(
    "text", ["", " ", "1.5", "1e1", "-1", "21", "x", "<b>", "nan", "inf", "9" * 5000, "\x00", None, 1.5, "1 2"]
)
def test_what_is_no_whole_number_in_the_range(text):
    with pytest.raises(Problem) as refused:
        whole(text, "seed", 0, 20)
    assert str(refused.value).startswith("The seed is a whole number from 0 to 20, not ")
    assert str(refused.value).endswith(".") and len(str(refused.value)) < 90


def test_large_bounds_are_readable():
    with pytest.raises(Problem, match="from 1 to 2,000, not '0'"):
        whole("0", "number of epochs", 1, 2000)


@pytest.mark.parametrize(("text", "number"), [("0.5", 0.5), (" 1e-3 ", 0.001), ("2", 2.0), (1, 1.0), ("0", 0.0)])
def test_decimals(text, number):
    assert decimal(text, "noise", 0, 2) == number


@pytest.mark.parametrize("text", ["-0.1", "2.1", "nan", "inf", "-inf", "1e999", "9" * 400])
def test_decimals_out_of_range(text):
    with pytest.raises(Problem, match=r"^The noise lies between 0 and 2, not at '.{1,20}'\.$"):
        decimal(text, "noise", 0, 2)


@pytest.mark.parametrize("text", ["", "x", "1,5", "<b>", "1" + "\x00", "0x10", None, "one" * 900])
def test_what_is_no_decimal(text):
    with pytest.raises(Problem, match=r"^The noise is a number such as 1 or 2\.5, not ") as refused:
        decimal(text, "noise", 0, 2)
    assert len(str(refused.value)) < 100


def test_without_bounds_any_number_will_do():
    assert decimal("-1e9", "weight") == -1e9 and math.isinf(decimal("inf", "weight"))
