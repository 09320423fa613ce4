"""Serving a page: one theme, safe settings, heavy imports only when they are needed."""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read once, when gradio is imported

import gradio as gr  # noqa: E402

from shared.checkpoints import LOCK  # noqa: E402
from shared.render.page import WEB as RENDER_WEB  # noqa: E402

WEB = Path(__file__).parent / "web"
FONT = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """Calm, typographic, one accent color; system fonts, so that nothing is fetched."""
    paper, raised, line = "#fdfdfb", "#ffffff", "#e1e4e1"
    dark_paper, dark_raised, dark_line = "#121618", "#191e21", "#2c3438"
    return gr.themes.Base(font=list(FONT), font_mono=list(MONO), radius_size="sm").set(
        body_background_fill=paper, body_background_fill_dark=dark_paper,
        background_fill_primary=raised, background_fill_primary_dark=dark_raised,
        block_background_fill=paper, block_background_fill_dark=dark_paper,
        block_border_width="0px", block_border_width_dark="0px", block_shadow="none", block_padding="0px",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        input_background_fill=raised, input_background_fill_dark=dark_raised,
        input_border_width="1px", input_border_color=line, input_border_color_dark=dark_line,
        input_border_color_focus="#0b6e75", input_border_color_focus_dark="#5cc4c7",
        body_text_color="#1c2326", body_text_color_dark="#e8ebe9",
        body_text_color_subdued="#5d686d", body_text_color_subdued_dark="#9aa5a8",
        link_text_color="#0b6e75", link_text_color_dark="#5cc4c7",
        border_color_primary=line, border_color_primary_dark=dark_line,
    )  # fmt: skip


def lazy(module: str) -> Callable[[], ModuleType]:
    """A function that imports ``module`` on first call, under the one lock of all heavy imports and loading."""

    def imported() -> ModuleType:
        if module in sys.modules and not getattr(sys.modules[module].__spec__, "_initializing", False):
            return sys.modules[module]
        with LOCK:
            return importlib.import_module(module)

    return imported


def launch(demo: gr.Blocks, file: str, warm: Callable[[], object] | None = None) -> None:
    """Serve ``demo`` until stopped; ``file`` is the Space's ``app.py``, ``warm`` loads its first model meanwhile.

    The port is ``GRADIO_SERVER_PORT`` or 7860. Nothing is shared, measured or reported to anyone.
    """
    os.environ.setdefault("GRADIO_EXAMPLES_CACHE", str(Path(gr.utils.get_upload_folder()) / Path(file).parent.name))
    demo.queue(max_size=20)
    demo.launch(
        theme=theme(),
        css_paths=[*sorted(RENDER_WEB.glob("*.css"), key=lambda path: path.name != "core.css"), WEB / "page.css"],
        head=f"<script>{(WEB / 'page.js').read_text(encoding='utf-8')}</script>",
        share=False,
        ssr_mode=False,
        show_error=True,
        max_file_size="20mb",
        footer_links=["api"],
        prevent_thread_lock=True,
    )
    if warm:  # only now: the import of torch would slow down the start
        threading.Thread(target=warm, daemon=True).start()
    demo.block_thread()
