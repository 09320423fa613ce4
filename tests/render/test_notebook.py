"""Notebooks: valid, executable, and inert whatever a visitor typed."""

import base64
import html
import io
import re

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbclient import NotebookClient
from PIL import Image

from shared.render.notebook import literal, notebook

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "# heading\n\n- list\n1. item",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "**bold** _it_ `code` ~~gone~~ | a | b |",
    r"$\href{javascript:alert(1)}{x}$ \(a\) \[b\] \begin{equation}x\end{equation} $$y$$",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "www.evil.example a@evil.example https://evil.example",
    "عربي 🎉 中文",
]


@pytest.fixture(scope="module")
def png():
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), "#0b6e75").save(buffer, "png")
    return buffer.getvalue()


def test_notebook_is_valid_and_holds_everything(png):
    text = notebook("A title", "Which?", "94 % and 0.31.", "answer = 6 * 7\nanswer", png)
    document = nbformat.reads(text, as_version=4)
    nbformat.validate(document)
    assert [cell.id for cell in document.cells] == ["title", "setup", "code", "picture", "conclusions"]
    first, _, code, picture, last = document.cells
    shown = html.unescape(first.source)
    assert "Which?" in shown and "94 % and 0.31." in shown and "A title" in shown
    assert code.source == "answer = 6 * 7\nanswer"
    assert base64.b64decode(picture.attachments["picture.png"]["image/png"]) == png
    assert "attachment:picture.png" in picture.source
    assert last.source == "## Conclusions\n"


def test_notebook_is_deterministic(png):
    assert notebook("t", "q", "f", "1", png) == notebook("t", "q", "f", "1", png)


def test_notebook_runs(png):
    document = nbformat.reads(notebook("t", "q", "f", "answer = 6 * 7\nanswer", png), as_version=4)
    NotebookClient(document, timeout=120, kernel_name="python3").execute()
    assert document.cells[2].outputs[0]["data"]["text/plain"] == "42"


def test_not_a_png_is_refused():
    with pytest.raises(ValueError, match="PNG"):
        notebook("t", "q", "f", "1", b"<svg>")


@pytest.mark.parametrize("text", HOSTILE)
def test_literal_shows_exactly_the_text(text):
    rendered = (
        MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render("**Q.** " + literal(text))
    )
    body = rendered.removeprefix("<p><strong>Q.</strong> ").removesuffix("</p>\n")
    without_ours = re.sub(r"<span>([$\\])</span>", r"\1", body)
    assert "<" not in without_ours, "an element that is not one of ours"
    assert html.unescape(without_ours) == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_delimiter_of_mathematics_survives_in_one_element(text):
    source = literal(text)
    assert not re.search(r"[$\\`{}]", source)
    rendered = MarkdownIt("commonmark", {"html": True}).render(source)
    pieces = re.split(r"<[^>]+>", rendered)
    for piece in map(html.unescape, pieces):
        assert piece.count("$") <= 1 and not re.search(r"\\[(\[b]", piece)
