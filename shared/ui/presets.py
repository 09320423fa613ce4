""" "Try this": the prepared cases of a page, each with what to look for."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

WEB = Path(__file__).parent / "web"


@dataclass(frozen=True)
class Preset:
    """One prepared case.

    ``inputs`` and ``state`` are what the page's inputs and the picture are set to, ``note`` says what to look for.
    ``predict`` asks first: ``{"question", "options", "answer" (index), "reveal"}``. ``pin`` is a second case
    (``{"inputs", "state"}``) to put beside it as A. ``kind`` is "strength", "weakness" or "".
    """

    title: str
    inputs: dict[str, str]
    note: str
    state: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    predict: dict[str, Any] | None = None
    pin: dict[str, Any] | None = None


def presets(choices: Sequence[Preset]) -> gr.HTML:
    """The strip of presets; its event ``pick`` carries ``index``. Arrow keys step through them."""
    labels = [{key: asdict(choice)[key] for key in ("title", "kind")} for choice in choices]
    return gr.HTML(
        value=json.dumps(labels),
        html_template='<div class="gh-presets" role="group" aria-label="Try this"></div>',
        js_on_load=(WEB / "presets.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="presets",
    )
