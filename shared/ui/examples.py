"""Pictures that a Space brings along: files that it ships, or functions that draw them."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from shared.problems import Problem


@dataclass(frozen=True)
class Example:
    """One picture: what is to be seen on it, a shipped file's name or the function that makes it, perhaps a title."""

    alt: str
    source: str | Callable[[], Image.Image]
    title: str = ""


def example_bytes(examples: Mapping[str, Example], folder: Path, name: str) -> bytes:
    """The example called ``name`` as the bytes of an image file; a ``Problem`` where there is none."""
    if name not in examples:
        raise Problem(f"There is no example called “{name[:40]}”; choose one of the presets or upload a photo.")
    source = examples[name].source
    if isinstance(source, str):
        return (folder / source).read_bytes()
    file = io.BytesIO()
    source().save(file, "PNG")
    return file.getvalue()
