"""The picture block: a viewer of ``shared.render`` inside the page, which talks back to Python.

It is a ``gr.HTML`` driven by ``js_on_load`` and not an ``<iframe srcdoc>``, because the picture must ask for heads,
switches and files, and report what its chips change.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from shared.problems import Problem
from shared.render.page import viewer_script
from shared.ui.problems import sentence

WEB = Path(__file__).parent / "web"
LONGEST_REQUEST = 400_000  # characters
LONGEST_FINDING = 600
OUT_OF_STEP = "The page and the server no longer fit together; reload the page."
FIGURES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
# Questions of the picture do not pass through gradio's queue, so their number is bounded here.
AT_ONCE = threading.BoundedSemaphore(2)
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Request:
    """What the picture asks about: the inputs it shows, its own state, and the details of the question."""

    inputs: dict[str, str]
    state: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def number(self, name: str, default: int) -> int:
        """A whole number among the details; a ``Problem`` for anything else."""
        try:
            return int(self.details.get(name, default))
        except (ValueError, TypeError, OverflowError) as error:
            raise Problem(OUT_OF_STEP) from error

    @property
    def finding(self) -> str:
        """The sentence above the picture, as the page says it; "" where it did not send one."""
        return str(self.details.get("finding", ""))[:LONGEST_FINDING]


@dataclass(frozen=True)
class File:
    """A file to save: its name, media type and bytes."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Snippet:
    """A text to copy, with a title and a sentence on how to use it."""

    title: str
    text: str
    explanation: str = ""


def figure_file(name: str, kind: str, data: bytes) -> File:
    """A figure to save as ``name.kind``; ``kind`` is one of ``FIGURES``."""
    return File(f"{name}.{kind}", FIGURES[kind], data)


Kinds = tuple[tuple[str, str], ...]


def exports(images: Kinds, data: Kinds, picture: str = "picture") -> tuple[tuple[str, str, Kinds], ...]:
    """The buttons that save what is shown, as (label, title, kinds); ``images`` and ``data`` are (kind, label)."""
    return (
        ("Image", f"Save the {picture}", images),
        ("Data", "Save the numbers", data),
        ("Code", "Python that computes this again", (("code", "Code"),)),
        ("Notebook", "A Jupyter notebook with question, finding, code and picture", (("notebook", "Notebook"),)),
        ("Page", "A page of its own that works without a server", (("page", "Page"),)),
    )


Compute = Callable[[Request], dict[str, Any]]
Export = Callable[[Request], File | Snippet]


def parse_request(text: str, defaults: Mapping[str, str]) -> tuple[str, Request]:
    """The kind of question and the question; a ``Problem`` when it is not one that the picture itself would ask."""
    if len(text) > LONGEST_REQUEST:
        raise Problem("This text is too long to be explained; shorten it and try again.")
    try:
        asked = json.loads(text)
        kind, body = asked["kind"], dict(asked["request"])
        inputs = {name: str(body.get("inputs", {}).get(name, value)) for name, value in defaults.items()}
        state = dict(body.pop("state", {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(OUT_OF_STEP) from error
    body.pop("inputs", None)
    return str(kind), Request(inputs, state, body)


def question_key(kind: str, details: Mapping[str, Any]) -> str:
    """The key under which the browser keeps the answer to a question: that of ``Frame.compute`` in frame.js."""
    return json.dumps([kind, details], separators=(",", ":"), ensure_ascii=False)


def answer(answers: Mapping[str, Callable[[Request], Any]], text: str, defaults: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Answer one question of the picture; failures become ``{"problem": sentence}``."""
    if not AT_ONCE.acquire(timeout=PATIENCE):
        return {"problem": "Many visitors are computing at the moment; try again in a few seconds."}
    try:
        kind, request = parse_request(text, defaults)
        if kind not in answers:
            raise Problem(OUT_OF_STEP)
        return answers[kind](request)
    except Exception as error:
        return {"problem": sentence(error)}
    finally:
        AT_ONCE.release()


def packed(product: Any) -> dict[str, Any]:  # noqa: ANN401
    """A ``File`` or ``Snippet`` as JSON; problems pass through."""
    if isinstance(product, File):
        return {"name": product.name, "mime": product.mime, "data": base64.b64encode(product.data).decode("ascii")}
    if isinstance(product, Snippet):
        return {"title": product.title, "text": product.text, "explanation": product.explanation}
    return dict(product)


def picture(
    viewer: str, defaults: Mapping[str, str], compute: Mapping[str, Compute], export: Mapping[str, Export]
) -> gr.HTML:
    """The picture block of a page.

    ``viewer`` names the scripts in ``shared/render/web``; ``defaults`` are the names and default values of the
    page's inputs; ``compute`` answers the viewer's questions by kind, ``export`` makes its files by kind. The
    block's value is a payload as JSON (see ``shared.ui.wire``); its event ``edit`` carries inputs that the picture
    changes. Both mappings are read when asked, so their functions may import what is heavy.
    """

    def ask(text: str | list[str]) -> Any:  # noqa: ANN401
        return json.dumps(answer(compute, one(text), defaults))

    def save(text: str | list[str]) -> Any:  # noqa: ANN401
        return json.dumps(packed(answer(export, one(text), defaults)))

    glue = (WEB / "picture.js").read_text(encoding="utf-8").replace("VIEWER", json.dumps(viewer))
    return gr.HTML(
        value="",
        html_template='<div class="gh-mount"></div>',
        js_on_load=viewer_script(viewer) + "\n" + glue,
        apply_default_css=False,
        server_functions=[ask, save],
        elem_id="picture",
    )


def one(text: str | list[str]) -> str:
    """The browser's single argument, which gradio hands over in a list or bare."""
    return text[0] if isinstance(text, list) else text
