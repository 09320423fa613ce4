"""One look for every static picture: palette, font, text that is never mathematics, files that never vary.

Nothing here touches pyplot. Figures are drawn under one lock, because matplotlib's settings and Python's warning
filters belong to the process while Spaces draw in many threads.
"""

import io
import textwrap
import threading
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.text import Text

FONT = "DejaVu Sans"  # bundled with matplotlib
# Used for scripts that DejaVu lacks, where the machine happens to have them.
FALLBACK_FONTS = ("Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Sans Devanagari", "Noto Sans Thai")
ARROWS = {"\n": "↵", "\r": "↵", "\t": "⇥"}
JOINERS = "\u200c\u200d"  # invisible, but spelling needs them
# Text stays text: selectable in SVG, embedded as TrueType in PDF. The salt makes SVG identifiers repeatable.
VECTOR_SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "glasshouse", "pdf.fonttype": 42}
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": "Glasshouse"},
    "svg": {"Creator": "Glasshouse", "Date": None},
    "pdf": {"Creator": "Glasshouse", "Producer": "Glasshouse", "CreationDate": None},
}
_DRAWING = threading.RLock()


@dataclass(frozen=True)
class Palette:
    """Five colors, as #rrggbb: text, lesser text, hairlines, background, and the one accent."""

    ink: str
    muted: str
    line: str
    paper: str
    accent: str


# The colors of web/core.css, except that the light paper is pure white: that is what pages are printed on.
LIGHT = Palette(ink="#1c2326", muted="#5d686d", line="#e1e4e1", paper="#ffffff", accent="#0b6e75")
DARK = Palette(ink="#e8ebe9", muted="#9aa5a8", line="#2c3438", paper="#121618", accent="#5cc4c7")


def palette(dark: bool = False) -> Palette:
    """The colors of one theme."""
    return DARK if dark else LIGHT


def figure(width: float, height: float, dark: bool = False) -> "Figure":
    """A new, empty figure of ``width`` x ``height`` inches on the theme's paper."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    new = Figure(figsize=(width, height), dpi=100, facecolor=palette(dark).paper)
    FigureCanvasAgg(new)
    return new


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with: the bundled one, the fallbacks that are installed, and any, for readers of SVG."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return (FONT, *(name for name in FALLBACK_FONTS if name in installed), "sans-serif")


def plain(text: str, limit: int = 400) -> str:
    """``text`` as one visible line of at most ``limit`` characters that any format can hold.

    Line breaks and tabs become arrows, other invisible or invalid characters U+FFFD: direction overrides would
    rearrange a label, and XML has no NUL. Blank text becomes an open box.
    """
    line = "".join(_visible(character) for character in text[: limit + 1]).rstrip()
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return line if line.strip(" " + JOINERS) else "␣"


def _visible(character: str) -> str:
    if character in ARROWS or character in JOINERS:
        return ARROWS.get(character, character)
    invisible = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
    return "\ufffd" if invisible else character


def widest(texts: Iterable[str], size: float, weight: str = "normal") -> float:
    """The width in inches of the longest of some one-line texts; ``size`` in points."""
    ruler = figure(1, 1)
    with _drawing():
        extents = [write(ruler, 0, 0, text, size, LIGHT.ink, weight=weight).get_window_extent() for text in texts]
    return max(extent.width for extent in extents) / ruler.dpi


def wrapped(text: str, size: float, width: float, lines: int, weight: str = "normal") -> list[str]:
    """``text`` in at most ``lines`` lines of about ``width`` inches, ending in an ellipsis where it had to be cut."""
    text = plain(text)
    per_line = int(width * len(text) / max(widest([text], size, weight), 0.01))
    cut = textwrap.wrap(text, max(per_line, 8))
    return cut if len(cut) <= lines else [*cut[: lines - 1], cut[lines - 1][: per_line - 2] + " …"]


def write(where: "FigureBase | Axes", x: float, y: float, text: str, size: float, color: str, **options: Any) -> "Text":  # noqa: ANN401
    """Put literal text on a figure or axes; ``size`` in points, ``options`` as for matplotlib's Text."""
    return where.text(x, y, text, fontsize=size, color=color, family=list(families()), parse_math=False, **options)


@contextmanager
def _drawing() -> Iterator[None]:
    """Alone with matplotlib, without its warning for each character that no installed font has."""
    with _DRAWING, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def save(figure: "Figure", kind: Literal["png", "svg", "pdf"], dots_per_inch: int = 200) -> bytes:
    """The figure as a file. The same figure gives the same bytes: no date, no version, no random identifier."""
    import matplotlib

    buffer = io.BytesIO()
    with _drawing(), matplotlib.rc_context(VECTOR_SETTINGS):
        figure.savefig(
            buffer, format=kind, dpi=dots_per_inch, facecolor=figure.get_facecolor(), metadata=METADATA[kind]
        )
    return buffer.getvalue()
