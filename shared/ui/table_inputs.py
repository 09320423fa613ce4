"""An input that takes a table, kept like photos are."""

from typing import Any

import gradio as gr

from shared.ui.photo_inputs import QUIET, uploaded
from shared.ui.problems import sentence
from shared.ui.shelf import Shelf

TABLES = Shelf("table")


def table_bytes(reference: str) -> bytes:
    """The file behind ``table:<id>``; a ``Problem`` where there is none."""
    return TABLES.find(reference)


def table_input(label: str, chosen: gr.Dropdown, value: str) -> tuple[gr.Textbox, gr.File]:
    """A CSV file by upload: the hidden reference, and the field for the file.

    An upload also sets ``chosen``, the choice between sets, to ``value``. The file is only looked at when its points
    are asked for.
    """
    reference = gr.Textbox(visible="hidden", elem_id="table", label=label, show_label=False)
    file = gr.File(label=label, file_types=[".csv", ".tsv", ".txt"], height=120, elem_id="table-file")

    def taken(upload: dict[str, Any] | None) -> Any:  # noqa: ANN401
        if not upload:
            return gr.skip()
        try:
            return TABLES.put(uploaded(upload)), value
        except Exception as error:
            gr.Warning(sentence(error))
            return gr.skip()

    file.upload(taken, file, [reference, chosen], preprocess=False, **QUIET)
    return reference, file
