"""Picture to page: the only part that imports gradio.

A Space uses these names in plain sight of its ``app.py``; each is one small function of one module.
"""

from shared.ui.files import temporary_file
from shared.ui.launch import launch, lazy, theme
from shared.ui.page import header, story
from shared.ui.picture import File, Request, Snippet, picture
from shared.ui.presets import Preset, presets
from shared.ui.problems import shown_as_error
from shared.ui.wire import Page, wire

__all__ = [
    "File",
    "Page",
    "Preset",
    "Request",
    "Snippet",
    "header",
    "launch",
    "lazy",
    "picture",
    "presets",
    "shown_as_error",
    "story",
    "temporary_file",
    "theme",
    "wire",
]
