"""The self-contained HTML page: data, viewer and style in one document that asks the network for nothing."""

import html
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent / "web"
# What a viewer takes from another one, loaded before its own files; the lender's style comes with it.
BORROWED = {
    "landscape": (
        "boundary_words.js",
        "boundary_network.js",
        "boundary_paint.js",
        "boundary_surface.js",
        "boundary_clock.js",
        "boundary.css",
    )
}
COMMON = ("core.js", "colormaps.js", "charts.js", "frame.js", "turns.js")
UNSAFE_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
# Even if something slipped through the escaping, this page may load and send nothing.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "frame-src data: blob:; font-src data:"
)


def escape_json(value: Any) -> str:
    """JSON that is inert inside a script element; the one way in which visitors' text enters HTML made here."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(UNSAFE_IN_SCRIPT)


def borrowed(viewer: str, suffix: str) -> list[str]:
    """The names of the files with that suffix which ``viewer`` takes from another viewer."""
    return [name for name in BORROWED.get(viewer, ()) if name.endswith(suffix)]


@cache
def viewer_script(viewer: str) -> str:
    """The JavaScript of one viewer: the common part, what it borrows, its own files ``<viewer>*.js`` by name."""
    own = sorted(WEB.glob(f"{viewer}*.js"))
    if not own:
        raise ValueError(f"there is no viewer called {viewer!r} in {WEB.name}/")
    files = [*(WEB / name for name in (*COMMON, *borrowed(viewer, ".js"))), *own]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@cache
def viewer_style(viewer: str) -> str:
    """The CSS of one viewer: the common part, what it borrows, then its own file."""
    files = [WEB / name for name in ("core.css", *borrowed(viewer, ".css"), f"{viewer}.css")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


@cache
def library(name: str) -> str:
    """The script of the file ``name`` in vendor/, after its license, such that it can stand in a script element."""
    folder = WEB / "vendor"
    terms = (folder / f"{name.split('.')[0]}.LICENSE.txt").read_text(encoding="utf-8")
    code = (folder / name).read_text(encoding="utf-8")
    return re.sub(r"</(?=script)", r"<\\/", f"/*\n{terms}*/\n{code}", flags=re.IGNORECASE)


def document(
    viewer: str, payload: dict[str, Any], title: str, theme: str = "auto", libraries: Sequence[str] = ()
) -> str:
    """A whole HTML document that mounts ``viewer`` on ``payload``.

    ``theme`` is "auto" (follow the reader's system, or a ``theme`` parameter in the page's own address), "light" or
    "dark". ``libraries`` names files of vendor/ that the viewer finds loaded. The page reports its height to a parent
    window as ``{"glasshouse": "height", "height": pixels}``.
    """
    scripts = "".join(f"<script>{library(name)}</script>\n" for name in libraries)
    return f"""<!doctype html>
<html lang="en" data-theme="{html.escape(theme)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title>
<style>{viewer_style(viewer)}</style>
</head>
<body class="gh-document">
<main id="picture"></main>
<script type="application/json" id="payload">{escape_json(payload)}</script>
{scripts}<script>{viewer_script(viewer)}
Glasshouse.followTheme();
Glasshouse.mount(document.getElementById("picture"), "{html.escape(viewer)}",
  JSON.parse(document.getElementById("payload").textContent), {{ frozen: true }});
Glasshouse.reportHeight();
</script>
</body>
</html>
"""
