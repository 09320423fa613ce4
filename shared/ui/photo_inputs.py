"""Inputs that take pictures: a photo, a drawn digit, a sheet of photos.

Each ends in a hidden textbox with references, whose ``change`` event ``shared.ui.wire`` listens to. Only what a
visitor does writes to that textbox; what a preset or a link writes there is only shown, so nothing goes in circles.
"""

import base64
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from shared.models.digits import like_mnist
from shared.models.photos import Photo, read_photo
from shared.problems import Problem
from shared.ui.photos import find, store
from shared.ui.problems import sentence

Example = Callable[[str], bytes]
WEB = Path(__file__).parent / "web"
PREVIEW = 512  # pixels
MOST = 24  # photos on a sheet
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2}


def photo_bytes(reference: str, example: Example) -> bytes:
    """The file behind ``example:<name>`` or ``photo:<id>``; a ``Problem`` where there is none."""
    kind, _, name = reference.partition(":")
    return example(name) if kind == "example" else find(reference)


def photo_input(label: str, example: Example, first: str, folded: str = "") -> tuple[gr.Textbox, gr.Image]:
    """A photo by upload, webcam or clipboard: the hidden reference, and the box that shows it.

    ``example`` gives the bytes of a shipped picture by its name; ``first`` is the reference to begin with, without
    which the page's first events would still find nothing here. With ``folded`` the box lies in a closed accordion of
    that title.
    """
    reference = gr.Textbox(first, visible="hidden", elem_id="image", label=label, show_label=False)
    with gr.Accordion(folded, open=False) if folded else contextlib.nullcontext():
        box = gr.Image(
            label=label, show_label=False, sources=["upload", "webcam", "clipboard"], type="filepath", format="jpeg",
            buttons=[], height=240, elem_id="photo", webcam_options=gr.WebcamOptions(mirror=False),
        )  # fmt: skip

    def taken(upload: dict[str, Any] | None, before: str) -> Any:  # noqa: ANN401
        if not upload:
            return gr.skip()
        try:
            photo = read_photo(uploaded(upload))
            kept = store(photo)
        except Exception as error:
            gr.Warning(sentence(error))
            return before, preview(before, example)
        if photo.note:
            gr.Info(photo.note)
        return kept, gr.skip()

    # Without preprocessing, which would open the file before anyone has looked at its size. Webcam and clipboard are
    # uploads too; the event `input` would also come when the box is emptied.
    box.upload(taken, [box, reference], [reference, box], preprocess=False, **QUIET)
    reference.change(lambda text: preview(text, example), reference, box, trigger_mode="always_last", **QUIET)
    return reference, box


def preview(reference: str, example: Example) -> np.ndarray | None:
    """The picture of a reference as the box shows it, at most 512 pixels long; None where there is none."""
    try:
        image = Image.fromarray(read_photo(photo_bytes(reference, example)).pixels)
    except Problem:
        return None  # the picture says so already
    if max(image.size) * 2 <= PREVIEW:  # a few pixels, to be seen as such
        times = PREVIEW // max(image.size)
        return np.asarray(image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST))
    image.thumbnail((PREVIEW, PREVIEW))
    return np.asarray(image)


def uploaded(upload: dict[str, Any]) -> bytes:
    """The bytes of an uploaded file as gradio describes it; gradio has checked that it lies in its own folder."""
    try:
        return Path(upload["path"]).read_bytes()
    except (KeyError, TypeError, OSError) as error:
        raise Problem("This file did not arrive; upload it again.") from error


def sketch_input(reference: gr.Textbox, label: str = "Draw a digit") -> gr.HTML:
    """A pad in an accordion; its button puts the drawn digit, prepared as in MNIST, where photos go.

    Not ``gr.Sketchpad``: that one draws black on white behind two tools, and needs more room than a column has.
    """
    with gr.Accordion(label, open=False):
        pad = gr.HTML(
            value="",
            html_template='<div class="gh-pad"></div>',
            js_on_load=(WEB / "pad.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            elem_id="pad",
        )

    def drawn(event: gr.EventData) -> Any:  # noqa: ANN401
        try:
            pixels = like_mnist(ink(str(event._data["picture"])))
        except Exception as error:
            gr.Warning(sentence(error))
            return gr.skip()
        return store(Photo(np.repeat(pixels[..., None], 3, axis=2), ""))

    pad.drawn(drawn, None, reference, **QUIET)
    return pad


def ink(picture: str) -> np.ndarray:
    """The drawing on the pad, a PNG as a data URL, as (H, W) uint8, white on black."""
    try:
        data = base64.b64decode(picture.removeprefix("data:image/png;base64,"), validate=True)
    except ValueError as error:
        raise Problem("The drawing did not arrive; try once more.") from error
    return read_photo(data).pixels[..., 0]


def sheet_input(label: str = "Contact sheet: up to 24 photos") -> tuple[gr.Textbox, gr.File]:
    """Several photos: the hidden, comma-separated ids (without "photo:"), and the list of files."""
    ids = gr.Textbox(visible="hidden", elem_id="sheet", label=label, show_label=False)
    files = gr.File(label=label, file_count="multiple", file_types=["image"], height=140, elem_id="sheet-files")

    def taken(uploads: list[dict[str, Any]] | None) -> Any:  # noqa: ANN401
        kept, good, problem = kept_of(uploads or [])
        if problem:
            gr.Warning(problem)
        return ",".join(kept), [upload["path"] for upload in good] or None

    gr.on([files.upload, files.delete], taken, files, [ids, files], preprocess=False, **QUIET)
    files.clear(lambda: "", None, ids, **QUIET)
    ids.change(lambda text: gr.skip() if text else None, ids, files, **QUIET)
    return ids, files


def kept_of(uploads: Iterable[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]], str]:
    """Ids and uploads of the readable ones among the first 24, and a sentence on those left out, or ""."""
    every = list(uploads)
    kept, good = [], []
    for upload in every[:MOST]:
        try:
            reference = store(read_photo(uploaded(upload)))
        except Problem:
            continue  # counted below
        kept.append(reference.removeprefix("photo:"))
        good.append(upload)
    unread, over = min(len(every), MOST) - len(good), max(0, len(every) - MOST)
    reasons = [
        f"{unread} cannot be read as a photo" if unread else "",
        f"{over} beyond the first {MOST}" if over else "",
    ]
    if not unread + over:
        return kept, good, ""
    return kept, good, f"Left out {unread + over} of {len(every)} files: {', '.join(filter(None, reasons))}."
