"""A stranger's table: read as values and text alone, sampled, and refused in one sentence where it cannot be."""

import csv
import io

import numpy as np
import pytest

from shared.models import tables
from shared.models.tables import numeric_columns, points_of, read_table
from shared.problems import Problem

ROWS = [(1.0, 5.0, 2.0, "cat"), (2.0, 4.0, 9.0, "dog"), (4.0, 1.0, 3.0, "cat"), (7.0, 0.0, 4.0, "dog")]
HEADER = ("weight", "height", "age", "kind")


def written(rows=ROWS, header=HEADER, **options):
    text = io.StringIO()
    table = csv.writer(text, **options)
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue().encode()


def points(data, features="", label="", share=0.0, seed=0):
    return points_of(read_table(data), "your table", features, label, share, seed)


def units(found):
    """The places in the table's own units."""
    return found.mean + found.scale * found.x


# ---- tables as they are written ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "data",
    [
        written(), written(delimiter=";"), written(delimiter="\t"), b"\xef\xbb\xbf" + written(),
        written(quoting=csv.QUOTE_ALL), written(lineterminator="\n"), written(lineterminator="\n\n"),
        written().replace(b"\r\n", b",\r\n"), written([(*row, "") for row in ROWS]), written().rstrip(),
    ],
    ids=["comma", "semicolon", "tab", "mark", "quoted", "unix", "blank lines", "last comma", "longer rows", "no end"],
)  # fmt: skip
def test_the_first_two_numbers_and_the_last_classes(data):
    found = points(data)
    np.testing.assert_allclose(units(found), [row[:2] for row in ROWS], atol=1e-6)
    assert found.axes == ("weight", "height") and found.classes == ("cat", "dog")
    assert found.labels.tolist() == [0, 1, 0, 1] and found.note == ""
    np.testing.assert_allclose(found.x.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(found.x.std(0), 1, atol=1e-6)


@pytest.mark.parametrize("features", ["age, weight", "AGE,Weight", " age ,weight "])
def test_columns_by_name(features):
    found = points(written(), features)
    assert found.axes == ("age", "weight")
    np.testing.assert_allclose(units(found), [(row[2], row[0]) for row in ROWS], atol=1e-6)


def test_principal_components_of_all_numbers():
    from sklearn.decomposition import PCA

    random = np.random.default_rng(0)
    values = random.normal(size=(50, 4)) @ random.normal(size=(4, 4))
    rows = [(*row, "ab"[index % 2]) for index, row in enumerate(values.tolist())]
    found = points(written(rows, ("a", "b", "c", "d", "e")), "pca")
    model = PCA(2).fit(values)
    expected = model.transform(values)
    expected *= np.sign((expected * units(found)).sum(0))
    np.testing.assert_allclose(units(found), expected, atol=1e-4)
    assert found.axes[0] == f"principal component 1 ({model.explained_variance_ratio_[0]:.0%})"
    assert f"{model.explained_variance_ratio_.sum():.0%}" in found.note


def test_the_class_column_by_name_may_hold_numbers():
    data = written([(1, 2, 0, "x"), (3, 4, 1, "x"), (5, 6, 0, "x"), (7, 9, 1, "x")], ("a", "b", "Group", "c"))
    found = points(data, label="group")
    assert found.classes == ("0", "1") and found.axes == ("a", "b")
    assert points(data).classes == ("0", "1"), "a column of one value tells nothing apart"


# ---- what is left out -------------------------------------------------------------------------------------------
def test_rows_with_gaps_are_left_out_and_counted():
    rows = [*ROWS, ("", 1, 1, "cat"), (1, "", 1, "dog"), (1, 2, 3, ""), ("inf", 1, 1, "cat"), (1e200, 1, 1, "dog")]
    found = points(written(rows))
    assert len(found.x) == 4 and found.note == "Rows left out for their gaps: 5."
    assert np.isfinite(found.x).all()


def test_gaps_count_only_in_the_columns_that_are_used():
    rows = [(*row[:2], "" if index else 1, row[3]) for index, row in enumerate(ROWS)]
    assert len(points(written(rows)).x) == 4
    with pytest.raises(Problem, match="only one class is left"):
        points(written(rows), "PCA")


def test_a_million_rows_are_sampled():
    count, random = 1_000_000, np.random.default_rng(0)
    digits = random.integers(100, 1000, (count, 2))
    data = b"a,b,c\n" + b"".join(b"%d,%d,%d\n" % (a, b, a > b) for a, b in digits.tolist())
    assert len(data) < tables.MOST_BYTES
    found = points(data, seed=1)
    assert found.x.shape == (1000, 2) and found.note == "A random sample of 1,000 of 1,000,000 rows."
    own = units(found)
    np.testing.assert_array_equal(own[:, 0] > own[:, 1] + 0.5, found.labels == 1)
    np.testing.assert_array_equal(points(data[:90_000], seed=1).x, points(data[:90_000], seed=1).x)
    assert not np.array_equal(points(data[:90_000], seed=2).x, points(data[:90_000], seed=1).x)


def test_gaps_and_a_sample_are_both_told():
    rows = [(index, -index, "ab"[index % 2]) for index in range(1500)] + [("", 1, "a")]
    assert points(written(rows, ("x", "y", "c"))).note == (
        "Rows left out for their gaps: 1. A random sample of 1,000 of 1,500 rows."
    )


def test_a_share_of_each_class_is_held_out():
    rows = [(index, index % 7, "rare" if index < 10 else "common") for index in range(110)]
    found = points(written(rows, ("x", "y", "c")), share=0.3)
    assert [found.validation[found.labels == label].sum() for label in (0, 1)] == [30, 3]


# ---- hostile tables ---------------------------------------------------------------------------------------------
def test_formulas_and_markup_stay_text():
    kinds = ["=1+1", "@SUM(A1)", "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0"]
    rows = [(index, index**2, kinds[index % 4]) for index in range(8)]
    found = points(written(rows, ("=HYPERLINK(1)", "<b>y</b>", "@class")))
    assert set(found.classes) == set(kinds) and found.axes == ("=HYPERLINK(1)", "<b>y</b>")


def test_names_that_are_long_empty_or_alike():
    long = "n" * 500
    data = written([(1, 2, 3, 4, "a"), (4, 3, 2, 2, "b")], (f"{long}1", f"{long}2", "", " ", "k" * 900))
    table = read_table(data)
    assert len(set(table.columns)) == 5 and all(len(name) < 80 for name in table.columns)
    assert len(numeric_columns(table)) == 4 and points_of(table, "t", "", "", 0, 0).classes == ("a", "b")
    data = written([(1, 2, 3, "a"), (4, 3, 2, "b")], ("x", " x", "x", "c"))
    assert len(set(read_table(data).columns)) == 4
    assert points(data).x.shape == (2, 2)
    many = written([(1, 2, "y" * 5000), (2, 3, "z" * 5000)], ("a", "b", "c"))
    assert [len(name) for name in points(many).classes] == [60, 60]


def test_long_class_names_that_begin_alike_stay_two_classes():
    data = written([(1, 2, "y" * 100 + "1"), (2, 3, "y" * 100 + "2")], ("a", "b", "c"))
    assert len(points(data).classes) == 2


REFUSED = {
    "nothing": (b"", "no rows"),
    "blank": (b"\n\n\n", "no rows"),
    "header only": (b"a,b,c\n", "no rows"),
    "header without end": (b"a,b,c", "no rows"),
    "one class": (written([(1, 2, 3, "a")] * 5), "2 to 10 different values"),
    "eleven classes": (written([(1, 2, 3, i) for i in "abcdefghijk"], ("a", "b", "c", "d")), "2 to 10 different"),
    "text only": (written([("a", "b", "c", "d"), ("e", "f", "g", "h")]), "two columns of numbers"),
    "one number": (b"a,k\n1,x\n2,y\n", "two columns of numbers"),
    "latin-1": ("größe,b,c\n1,2,ä\n2,3,ö\n".encode("latin-1"), "UTF-8"),
    "utf-16": ("a,b,c\n1,2,x\n2,3,y\n".encode("utf-16"), "UTF-8"),
    "nul": (b"a,b,c\n1,2,x\n\x00,3,y\n", "upload a CSV file"),
    "binary": (b"\x00\x01\x02" * 500, "upload a CSV file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "UTF-8"),
    "open quote": (b'a,b,c\n1,2,"x\n2,3,y\n', "CSV with a header line"),
    "300 columns": (written([range(300)] * 2, [f"c{index}" for index in range(300)]), "300 columns"),
    "too large": (b"a,b,c\n" + b"1,2,x\n" * 3_400_000, "more than 20 MB"),
    "prose": (b"This is no table at all. " * 90 + b"\n" + b"Truly none.\n" * 9, "different values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_one_sentence(name):
    data, words = REFUSED[name]
    with pytest.raises(Problem) as refused:
        points(data)
    assert words in str(refused.value), str(refused.value)
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value) and len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("features", "label", "words"),
    [
        ("weight", "", "two different columns"), ("weight, weight", "", "two different columns"),
        ("weight, kind", "", "two different columns"), ("a, b", "", "such as “weight, height”, or PCA"),
        ("<b>, <i>", "", "two different columns"), ("x" * 90_000, "", "two different columns"),
        ("", "nothing", "no column 'nothing'; choose one of weight"), ("", "x" * 90_000, "no column 'xxx"),
        ("", "../../etc", "no column"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there(features, label, words):
    with pytest.raises(Problem) as refused:
        points(written(), features, label)
    assert words in str(refused.value) and len(str(refused.value)) < 300


def test_the_classes_are_no_axis():
    with pytest.raises(Problem, match="two columns of numbers"):
        points(b"a,k\n1,0\n2,1\n3,0\n", label="k")


def test_the_separator_is_the_commonest_of_the_header():
    assert tables.separator("a;b;c,d\n1,2,3,4,5") == ";" and tables.separator("a") == ","
