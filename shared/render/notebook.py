"""A picture as a Jupyter notebook: the question, what was found, the code, the picture, room for conclusions."""

import base64
import json
from typing import Any

SETUP = """\
import importlib.util

if importlib.util.find_spec("shared") is None:
    raise ModuleNotFoundError("Clone the Glasshouse repository, run `pip install -e .` in it and choose that kernel.")
"""
# To end code with that leaves the bytes of a PNG or JPEG in ``picture``.
SHOW_PICTURE = "\nfrom IPython.display import Image\n\nImage(picture)"
PICTURE = "picture.png"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
UNTOUCHED = " ,;?"


def notebook(title: str, question: str, finding: str, code: str, picture_png: bytes, setup: str = SETUP) -> str:
    """The text of an .ipynb file (nbformat 4.5): the same arguments give the same text.

    ``title``, ``question`` and ``finding`` may hold anything a visitor typed: they are shown literally. ``code`` and
    ``setup`` are Python and are taken as they are. ``picture_png`` is attached as it was seen, so that it survives
    running the cells again. Raises ``ValueError`` when it is not a PNG.
    """
    if not picture_png.startswith(PNG_SIGNATURE):
        raise ValueError("picture_png must hold a PNG file")
    picture = {PICTURE: {"image/png": base64.b64encode(picture_png).decode("ascii")}}
    cells = [
        _markdown(
            "title", f"# {literal(title)}\n\n**Question.** {literal(question)}\n\n**Finding.** {literal(finding)}"
        ),
        _code("setup", setup),
        _code("code", code),
        _markdown(
            "picture", f"The picture as it was seen:\n\n![The picture](attachment:{PICTURE})", attachments=picture
        ),
        _markdown("conclusions", "## Conclusions\n"),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1) + "\n"


def literal(text: str) -> str:
    """``text`` as one line of Markdown that shows exactly its characters: no markup, no HTML, no mathematics.

    Punctuation becomes character references, which CommonMark (section 6.4) never reads as markup. Jupyter typesets
    mathematics after that, from the text of the finished page, but not across elements: so a dollar sign or a backslash
    stands alone in one.
    """
    return "".join(_reference(character) for character in " ".join(text.split()))


def _reference(character: str) -> str:
    if character.isalnum() or character in UNTOUCHED or ord(character) > 0x7F:
        return character
    reference = f"&#{ord(character)};"
    return f"<span>{reference}</span>" if character in "$\\" else reference


def _markdown(identifier: str, source: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"cell_type": "markdown", "id": identifier, "metadata": {}, "source": source, **more}


def _code(identifier: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": identifier, "metadata": {}, "source": source.strip("\n")}
    return {**cell, "execution_count": None, "outputs": []}
