"""A visitor's table as points of a plane: two columns of numbers and a column of classes."""

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from shared.models.point_sets import MOST_POINTS, columns_named, measured
from shared.problems import Problem
from shared.results import Points

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 20_000_000
MOST_COLUMNS = 200
MOST_CLASSES = 10
LONGEST_NAME = 60  # characters
LARGEST = 1e100  # of a number, so that sums of squares stay numbers


def read_table(data: bytes) -> "pd.DataFrame":
    """The table in the bytes of a CSV file with a header line; raises ``Problem`` where there is none.

    Commas, semicolons and tabs may separate columns. Cells are values or text: formulas are text like any other.
    """
    import pandas as pd

    if len(data) > MOST_BYTES:
        raise Problem(f"This table has more than {MOST_BYTES // 10**6} MB; upload a part of it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("This file is not text; save your table as CSV in UTF-8 and upload that.") from error
    if "\0" in text or len(text.split("\n", 2)) < 2 or not text.split("\n", 1)[1].strip():
        raise Problem("This table has no rows; upload a CSV file with a header line and a row for each point.")
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator(text), index_col=False, on_bad_lines="skip", low_memory=False
        )
    except (ValueError, csv.Error) as error:
        raise Problem("This file cannot be read as a table; save it as CSV with a header line.") from error
    if table.shape[1] > MOST_COLUMNS:
        raise Problem(f"This table has {table.shape[1]} columns; upload at most {MOST_COLUMNS} of them.")
    table.columns = pd.Index(unique(str(name).strip()[:LONGEST_NAME] for name in table.columns))
    return table.dropna(axis="columns", how="all")  # such as the one behind a comma at the end of each line


def unique(names: Iterable[str]) -> list[str]:
    """The names of columns; one that was there before gets its place."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        while name in found:
            name = f"{name} ({place})"
        found.append(name)
    return found


def separator(text: str) -> str:
    """What separates the columns: the one of comma, semicolon and tab that the header line has most of."""
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def numeric_columns(table: "pd.DataFrame") -> list[str]:
    """The names of the columns that hold numbers."""
    return [str(name) for name in table.columns if table[name].dtype.kind in "iuf"]


def class_column(table: "pd.DataFrame", label: str) -> str:
    """The column that names the classes: ``label``, or the last one with 2 to 10 different values."""
    names = {name.casefold(): name for name in reversed(table.columns)}
    if label.strip():
        found = names.get(label.strip().casefold())
        if found is None:
            raise Problem(f"There is no column {label[:40]!r}; choose one of {', '.join(table.columns[:12])}.")
        candidates = [found]
    else:
        candidates = list(reversed(table.columns))
    for name in candidates:
        if 2 <= table[name].nunique() <= MOST_CLASSES:
            return str(name)
    raise Problem(f"A column of classes holds 2 to {MOST_CLASSES} different values; name one that does.")


def points_of(table: "pd.DataFrame", title: str, features: str, label: str, share: float, seed: int) -> Points:
    """Points from a table: ``features`` names two columns of numbers, "a, b", or "PCA" of all; "" takes the first two.

    Rows with gaps in these columns are left out, and of more than 1,000 a random sample is taken; the note says so.
    """
    wanted = class_column(table, label)
    names = [name for name in numeric_columns(table) if name != wanted]
    if len(names) < 2:
        raise Problem("A table needs two columns of numbers besides its classes; check how numbers are written in it.")
    features = features.strip() or f"{names[0]}, {names[1]}"
    if features.upper() != "PCA":
        names = [names[index] for index in columns_named(features, tuple(names))]
    values = table[names].to_numpy(dtype=np.float64)
    good = (np.abs(values) < LARGEST).all(1) & table[wanted].notna().to_numpy()
    rows = np.flatnonzero(good)
    note = f"Rows left out for their gaps: {len(good) - len(rows):,}." if len(rows) < len(good) else ""
    if len(rows) > MOST_POINTS:
        note = f"{note} A random sample of {MOST_POINTS:,} of {len(rows):,} rows.".strip()
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_POINTS, replace=False))
    kinds, labels = np.unique(table[wanted].to_numpy()[rows].astype(str), return_inverse=True)
    if len(kinds) < 2:
        raise Problem("Without the rows that have gaps only one class is left; fill the gaps first.")
    classes = tuple(str(kind)[:LONGEST_NAME] for kind in kinds)
    return measured(title, values[rows], tuple(names), features, labels, classes, share, seed, note)
