"""Picture to page: the only part that imports gradio.

A Space uses these names in plain sight of its ``app.py``; each is one small function of one module.
"""

from shared.ui.examples import Example, example_bytes
from shared.ui.fields import decimal, whole
from shared.ui.files import temporary_file
from shared.ui.jobs import Job, Jobs
from shared.ui.launch import launch, lazy, theme
from shared.ui.page import header, story
from shared.ui.photo_inputs import photo_bytes, photo_input, sheet_input, sketch_input, uploaded
from shared.ui.picture import File, Request, Snippet, exports, figure_file, picture, question_key
from shared.ui.presets import Preset, presets
from shared.ui.problems import shown_as_error
from shared.ui.saved import finished_answers
from shared.ui.table_inputs import table_bytes, table_input
from shared.ui.wire import Page, fetching, wire

__all__ = [
    "Example",
    "File",
    "Job",
    "Jobs",
    "Page",
    "Preset",
    "Request",
    "Snippet",
    "decimal",
    "example_bytes",
    "exports",
    "fetching",
    "finished_answers",
    "figure_file",
    "header",
    "launch",
    "lazy",
    "photo_bytes",
    "photo_input",
    "picture",
    "presets",
    "question_key",
    "sheet_input",
    "shown_as_error",
    "sketch_input",
    "story",
    "table_bytes",
    "table_input",
    "temporary_file",
    "theme",
    "uploaded",
    "whole",
    "wire",
]
