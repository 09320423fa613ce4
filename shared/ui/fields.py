"""Numbers from text fields."""

import math

from shared.problems import Problem


def whole(text: str, name: str, least: int, most: int) -> int:
    """A whole number from a field; a ``Problem`` for anything else."""
    try:
        number = int(str(text).strip())
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise Problem(f"The {name} is a whole number from {least:,} to {most:,}, not {str(text)[:20]!r}.")
    return number


def decimal(text: str, name: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A number from a field; a ``Problem`` for anything else, and for what is out of range."""
    try:
        number = float(str(text).strip())
    except ValueError as error:
        raise Problem(f"The {name} is a number such as 1 or 2.5, not {str(text)[:20]!r}.") from error
    if math.isfinite(least) and not least <= number <= most:
        raise Problem(f"The {name} lies between {least:g} and {most:g}, not at {str(text)[:20]!r}.")
    return number
