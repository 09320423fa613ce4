"""Static pictures: what they print, that visitors' text stays text, that files never vary."""

import csv
import io
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from shared.problems import Problem
from shared.render import style
from shared.render.attention_figures import difference_figure, entropy_figure, head_csv, head_figure

TOKENS = ["[CLS]", "not", "good"]
WEIGHTS = np.array([[0.5, 0.25, 0.25], [0.8, 0.2, 0.0], [0.1, 0.6, 0.3]], dtype=np.float32)
WORDS = (
    "Which words look at which?",
    "Head 2 puts 80 % on [CLS]; entropy 0.9 of at most 1.1.",
    "toy · layer 0 · head 2",
)
HOSTILE = [
    "$x^2$",
    r"$\frac{",
    "</script><img src=x onerror=alert(1)>",
    "\x00",
    "\ud800",
    "\u202eevil",
    "a\nb",
    " ",
    "🎉",
]


def svg_texts(figure):
    tree = ElementTree.fromstring(style.save(figure, "svg"))
    return ["".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text")]


def uniform(rows, columns):
    return np.full((rows, columns), 1 / columns, dtype=np.float32)


def test_head_figure_prints_every_number_and_label():
    texts = svg_texts(head_figure(WEIGHTS, TOKENS, TOKENS, *WORDS))
    for expected in (
        "0.50",
        "0.80",
        "0.60",
        "0.00",
        "attention (rows sum to 1)",
        "from (query) ↓",
        "to (key) →",
        *WORDS,
    ):
        assert expected in texts
    assert sum(text in TOKENS for text in texts) == 6
    assert texts.count("0.25") == 2
    assert {"0", "0.4", "0.8"} <= set(texts), "the scale runs from 0 to the largest weight"


def test_head_figure_puts_queries_in_rows_and_keys_in_columns():
    figure = head_figure(WEIGHTS, TOKENS, TOKENS, *WORDS)
    axes = figure.axes[0]
    x, y = axes.transData.transform((0, 1))  # column 0, row 1: the weight 0.8, the largest
    dots_per_inch = figure.dpi
    image = Image.open(io.BytesIO(style.save(figure, "png", dots_per_inch))).convert("RGB")
    beside_the_number = (round(x) - 20, round(image.height - y) - 15)
    expected = tuple(round(255 * part) for part in colormaps["magma_r"](1.0)[:3])
    assert np.allclose(image.getpixel(beside_the_number), expected, atol=2)
    assert image.getpixel((2, 2)) == (255, 255, 255)


def test_dark_figure_is_on_dark_paper():
    image = Image.open(io.BytesIO(style.save(head_figure(WEIGHTS, TOKENS, TOKENS, *WORDS, dark=True), "png")))
    assert "#{:02x}{:02x}{:02x}".format(*image.convert("RGB").getpixel((2, 2))) == style.DARK.paper


def test_text_and_background_contrast():
    def luminance(color):
        parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    for palette in (style.LIGHT, style.DARK):
        for color in (palette.ink, palette.muted, palette.accent):
            low, high = sorted((luminance(color), luminance(palette.paper)))
            assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize(("count", "most"), [(10, 10), (30, 30), (128, 26), (512, 26)])
def test_labels_never_overlap_and_thinned_ones_say_where(count, most):
    tokens = [f"t{i}" for i in range(count)]
    figure = head_figure(uniform(count, count), tokens, tokens, *WORDS)
    axes, height = figure.axes[0], figure.get_size_inches()[1]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert 8 <= len(shown) <= most
    pitch = 72 * height * axes.get_position().height * (axes.get_yticks()[1] - axes.get_yticks()[0]) / count
    assert axes.get_yticklabels()[0].get_fontsize() <= pitch
    if count > most:
        step = round(axes.get_yticks()[1])
        assert shown[1] == f"t{step}  {step}"
        assert axes.get_xticklabels()[1].get_text() == f"{step}  t{step}"


@pytest.mark.parametrize("count", [1, 8, 30, 128, 512])
def test_everything_stays_on_the_sheet(count):
    tokens = ["[CLS]", "internationalization", "."] * count
    figure = head_figure(uniform(count, count), tokens[:count], tokens[:count], *WORDS)
    figure.canvas.draw()
    edge = figure.bbox
    drawn = [text for axes in figure.axes for text in (*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels())]
    for text in (*figure.texts, *drawn):
        box = text.get_window_extent()
        assert box.width == 0 or (edge.x0 <= box.x0 and box.x1 <= edge.x1), text
        assert box.height == 0 or (edge.y0 <= box.y0 and box.y1 <= edge.y1), text


@pytest.mark.parametrize("shape", [(3, 60), (60, 3), (1, 1)])
def test_other_shapes_are_drawn(shape):
    rows, columns = ([f"t{i}" for i in range(count)] for count in shape)
    width, height = Image.open(
        io.BytesIO(style.save(head_figure(uniform(*shape), rows, columns, *WORDS), "png", 100))
    ).size
    assert width == 480
    assert 150 < height < 1000


def test_difference_is_symmetric_about_zero():
    other = np.roll(WEIGHTS, 1, axis=1)
    figure = difference_figure(WEIGHTS, other, TOKENS, TOKENS, *WORDS)
    image = figure.axes[0].images[0]
    limit = float(np.abs(other - WEIGHTS).max())
    assert image.get_clim() == pytest.approx((-limit, limit))
    texts = svg_texts(figure)
    assert "−0.25" in texts and "+0.25" in texts  # row 0: .5 .25 .25 -> .25 .5 .25
    assert not {"+0.00", "−0.00"} & set(texts)


def test_difference_of_the_same_picture_is_blank():
    figure = difference_figure(WEIGHTS, WEIGHTS, TOKENS, TOKENS, *WORDS)
    assert svg_texts(figure).count("0.00") == 9
    assert figure.axes[0].images[0].get_clim() == (-1, 1)


def test_difference_of_other_tokens_is_a_problem():
    with pytest.raises(Problem, match="3 tokens and B has 2"):
        difference_figure(WEIGHTS, WEIGHTS[:2, :2], TOKENS, TOKENS, *WORDS)


def test_entropy_runs_to_its_bound():
    entropy = np.array([[0.31, 2.7], [1.5, 0.0], [2.0, 2.77]])
    figure = entropy_figure(entropy, 2.77, *WORDS)
    assert figure.axes[0].images[0].get_clim() == (0, 2.77)
    texts = svg_texts(figure)
    assert {"0.31", "2.70", "layer ↓", "head →", "entropy in nats (even attention: 2.77)"} <= set(texts)
    assert figure.axes[0].get_position().width > 0


def test_hostile_text_is_shown_literally():
    count = len(HOSTILE)
    figure = head_figure(uniform(count, count), HOSTILE, HOSTILE, r"$\alpha", "$$ " + HOSTILE[2], "\x00$")
    for kind in ("png", "pdf"):
        assert style.save(figure, kind)
    texts = svg_texts(figure)  # parses, so no NUL and no unescaped tag came through
    assert r"$\alpha" in texts
    assert texts.count("$x^2$") == 2
    assert any("<img src=x" in text for text in texts)
    assert "a↵b" in texts and "␣" in texts and "�evil" in texts


def test_plain_limits_length():
    assert style.plain("x" * 100_000, 14) == "x" * 13 + "…"
    assert style.plain("می\u200cروم") == "می\u200cروم"
    assert style.plain("") == style.plain(" \u200d ") == "␣"


def test_wrapped_keeps_words_and_limits_lines():
    sentence = " ".join(f"word{i}" for i in range(40))
    lines = style.wrapped(sentence, 9, 3.0, 20)
    assert " ".join(lines) == sentence
    assert max(style.widest([line], 9) for line in lines) < 3.3
    short = style.wrapped("y" * 300, 9, 3.0, 2)
    assert len(short) == 2 and short[-1].endswith(" …") and short[0].startswith("yyyy")


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files_are_repeatable_and_settings_untouched(kind):
    before = dict(matplotlib.rcParams)
    files = {style.save(head_figure(WEIGHTS, TOKENS, TOKENS, *WORDS), kind) for _ in range(2)}
    assert len(files) == 1
    assert dict(matplotlib.rcParams) == before


def test_threads_give_the_serial_files():
    def draw(i):
        weights = np.roll(WEIGHTS, i, axis=1)
        return style.save(
            head_figure(weights, TOKENS, TOKENS, f"Picture {i}", *WORDS[1:]), "svg" if i % 2 else "png", 50
        )

    filters = list(warnings.filters)
    serial = [draw(i) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(8))) == serial
    assert warnings.filters == filters


def test_missing_glyphs_do_not_warn(recwarn):
    figure = head_figure(uniform(2, 2), ["🎉", "\U00013000"], ["𒀀", "b"], "🎉", "🎉", "🎉")
    for kind in ("png", "svg", "pdf"):
        style.save(figure, kind)
    assert [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)] == []


def test_render_does_not_import_matplotlib_or_torch_before_a_picture():
    code = "import sys, shared.render.attention_figures, shared.render.notebook, shared.render.bertviz_page\n"
    code += "print([name for name in ('matplotlib', 'torch', 'gradio', 'bertviz') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_csv_reads_back_and_formulas_are_inert():
    tokens = ['=HYPERLINK("evil")', "+1", "-1", "@cmd", "\tx", " =1", 'say "hi", ok', "two\nlines"]
    weights = np.arange(64, dtype=np.float32).reshape(8, 8) / 64
    text = head_csv(weights, tokens)
    assert text.count("\r\n") == 9
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header[1:] == [row[0] for row in rows]
    assert header[1:7] == [f"'{token}" for token in tokens[:6]]
    assert header[7:] == tokens[6:]
    assert np.array_equal(np.array([row[1:] for row in rows], dtype=np.float32), weights)
