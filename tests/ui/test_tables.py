"""The input that takes a table."""

import re
import tempfile

import gradio as gr
import pytest

from shared.problems import Problem
from shared.ui import table_bytes, table_input
from shared.ui.table_inputs import TABLES

DATA = b"x,y,kind\n1,2,=1+1\n3,4,b\n"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def taken():
    """What happens when a file arrives, as the page calls it."""
    with gr.Blocks() as demo:
        chosen = gr.Dropdown(["moons", "table"])
        reference, file = table_input("A table", chosen, "table")
    (event,) = [each for each in demo.fns.values() if each.targets == [(file._id, "upload")]]
    assert [block._id for block in event.outputs] == [reference._id, chosen._id] and event.preprocess is False
    return event.fn


def test_a_table_comes_back_byte_for_byte():
    reference = TABLES.put(DATA)
    assert re.fullmatch(r"table:[0-9a-f]{32}", reference) and table_bytes(reference) == DATA


@pytest.mark.parametrize(
    "reference",
    ["", "table:", "table:" + "0" * 32, "table:../../etc/passwd", "photo:" + "0" * 32, "table:" + "A" * 32, "moons"],
)
def test_unknown_references_are_one_sentence(reference):
    with pytest.raises(Problem, match="table is no longer on the server; upload it again"):
        table_bytes(reference)


def test_photos_and_tables_do_not_mix():
    reference = TABLES.put(DATA)
    with pytest.raises(Problem):
        table_bytes(reference.replace("table:", "photo:"))


def test_an_upload_is_kept_and_chosen(taken, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(DATA)
    reference, value = taken({"path": str(path)})
    assert value == "table" and table_bytes(reference) == DATA


@pytest.mark.parametrize("upload", [None, {}, {"path": "missing"}, {"path": None}, {"path": "."}])
def test_an_upload_that_did_not_arrive_changes_nothing(taken, upload, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Warning", said.append)
    assert taken(upload) == gr.skip()
    assert said == ([] if not upload else ["This file did not arrive; upload it again."])
