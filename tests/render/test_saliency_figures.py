"""Saliency on paper: grid, filmstrip, contact sheet and its table."""

import csv
import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from shared.problems import Problem
from shared.render import style
from shared.render.overlay import overlay
from shared.render.saliency_cards import Card, contact_sheet, contact_table
from shared.render.saliency_figures import filmstrip, saliency_grid
from shared.render.sheet import PIXELS_PER_INCH

PHOTO = np.full((60, 80, 3), 100, np.uint8)
BOX = (0, 10, 60, 60)
WORDS = ("What argues for the cat?", "Grad-CAM puts 71 % of its heat on 15 % of the photo.", "toy · layer 3 · seed 0")
FOR, AGAINST = np.array([[0.0, 2.0], [0.0, 0.0]]), np.array([[0.0, -4.0], [0.0, 0.0]])
MAPS = {("Grad-CAM", "cat"): FOR, ("Grad-CAM", "dog"): AGAINST, ("LayerCAM", "cat"): FOR, ("LayerCAM", "dog"): FOR / 4}
METHODS, CLASSES = ("Grad-CAM", "LayerCAM"), ("cat", "dog")
HOSTILE = [r"$\frac{", "</script><img src=x onerror=alert(1)>", "\x00", "\ud800", "\u202eevil", "a\nb", " ", "🎉"]


def svg_texts(figure):
    tree = ElementTree.fromstring(style.save(figure, "svg"))
    return ["".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text")]


def photographs(figure):
    """The pixels of every cell, in the order of the sheet; the last image is the scale."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes[:-1]]


def seen(picture):
    """The part of a cell that the network saw, without its edge."""
    return picture[2:-2, picture.shape[1] // 6 : picture.shape[1] // 6 * 5]


def grid(**options):
    return saliency_grid(PHOTO, BOX, MAPS, METHODS, CLASSES, *WORDS, **options)


def test_grid_writes_question_finding_scale_and_source():
    texts = svg_texts(grid())
    assert {*WORDS, "cat", "dog", "0", "0.5", "1"} <= set(texts)
    assert {"Grad-CAM · 1 = 4", "LayerCAM · 1 = 2"} <= set(texts)
    assert any(text.startswith("Share of its row's largest value") for text in texts)


def test_a_row_has_one_scale_and_a_blank_map_stays_blank():
    figure = grid()
    cat, dog, other_cat, other_dog = (seen(picture).astype(int) for picture in photographs(figure))
    texts = svg_texts(figure)
    assert texts.count("up to 0.50") == 1, "Grad-CAM's largest value is 4, against the dog"
    assert texts.count("up to 1.00") == 1 and texts.count("up to 0.25") == 1
    assert texts.count("blank: nothing for it") == 1
    assert (dog == 100).all()
    changed = [np.abs(picture - 100).max() for picture in (other_cat, cat, other_dog)]
    assert changed[0] > changed[1] > changed[2] > 0


def test_a_cell_is_the_overlay_at_print_resolution():
    figure = grid()
    cell, axes = photographs(figure)[2], figure.axes[2]
    wide = axes.get_position().width * figure.get_size_inches()[0]
    assert cell.shape[1] == round(PIXELS_PER_INCH * wide)
    photo = np.full((*cell.shape[:2], 3), 100, np.uint8)
    left, right = round(cell.shape[1] / 8), round(cell.shape[1] * 7 / 8)
    assert np.array_equal(cell, np.asarray(overlay(photo, FOR / 2, (0, left, cell.shape[0], right - left))))


def test_signs_show_for_against_and_both():
    figure = grid(sign="negative")
    assert svg_texts(figure).count("blank: nothing against it") == 3
    assert [np.ptp(seen(picture)) > 0 for picture in photographs(figure)] == [False, True, False, False]
    texts = svg_texts(grid(sign="signed"))
    assert {"−1", "0", "1", "−1.00 to 0.00"} <= set(texts)
    with pytest.raises(Problem, match="positive, negative, signed"):
        grid(sign="sideways")


def test_threshold_and_opacity_reach_the_picture():
    assert all((seen(cell) == 100).all() for cell in photographs(grid(opacity=0.0)))
    bare = np.asarray(grid(threshold=0.5).axes[-1].images[0].get_array())[0]
    assert (bare[:127] == 128).all() and (bare[130] != 128).any(), "the scale shows what is hidden"
    assert any("up to 0.5" in text for text in svg_texts(grid(threshold=0.5)))


def test_one_class_puts_methods_side_by_side():
    figure = saliency_grid(PHOTO, BOX, MAPS, METHODS, ("cat",), *WORDS)
    first, second = (axes.get_position() for axes in figure.axes[:2])
    assert first.y0 == second.y0 and first.x1 < second.x0
    texts = svg_texts(figure)
    assert {"Grad-CAM", "LayerCAM"} <= set(texts) and texts.count("1 = 2") == 2
    assert any("“cat”" in text for text in texts)


def test_missing_maps_are_named():
    with pytest.raises(Problem, match="Grad-CAM for bird"):
        saliency_grid(PHOTO, BOX, MAPS, METHODS, ("cat", "bird"), *WORDS)
    with pytest.raises(Problem, match="one method"):
        saliency_grid(PHOTO, BOX, MAPS, (), CLASSES, *WORDS)


def test_photos_are_never_stretched():
    photos = [np.full((h, w, 3), 90, np.uint8) for h, w in ((60, 80), (300, 40), (28, 28), (100, 700))]
    cards = [Card("a.jpg", photo, (0, 0, *photo.shape[:2]), "cat", 0.5, FOR) for photo in photos]
    figure = contact_sheet(cards, *WORDS)
    wide, tall = figure.get_size_inches()
    for axes, photo in zip(figure.axes, photos, strict=False):
        place = axes.get_position()
        shape = place.width * wide / (place.height * tall)
        assert shape == pytest.approx(photo.shape[1] / photo.shape[0])


def test_filmstrip_names_every_layer_with_its_own_scale():
    maps = [FOR * 10**-i for i in range(5)] + [AGAINST]
    names = [f"{i} · stage {i}" for i in range(6)]
    figure = filmstrip(PHOTO, BOX, maps, names, *WORDS)
    texts = svg_texts(figure)
    assert set(names) <= set(texts)
    assert {"1 = 2", "1 = 0.2", "1 = 0.02", "1 = 0.002", "1 = 0.0002"} <= set(texts)
    assert "blank: nothing for it" in " ".join(texts), "in two lines where the column is narrow"
    pictures = photographs(figure)
    assert np.array_equal(pictures[0], pictures[4])
    with pytest.raises(Problem, match="no layers"):
        filmstrip(PHOTO, BOX, [], [], *WORDS)


def cards():
    return [
        Card("cat.jpg", PHOTO, BOX, "tabby", 0.62, FOR, 0.41, 0.02),
        Card("dog.jpg", PHOTO, BOX, "beagle", 0.9, AGAINST, -0.05, 0.02),
        Card("=HYPERLINK(1)", PHOTO, BOX, "+1", 0.125, FOR),
    ]


def test_contact_sheet_marks_each_score_against_its_floor():
    texts = svg_texts(contact_sheet(cards(), *WORDS))
    assert {"cat.jpg", "tabby", "62 % · trust 0.41 > 0.02", "90 % · trust −0.05 ≤ 0.02", "12 %"} <= set(texts)
    with pytest.raises(Problem, match="add at least one"):
        contact_sheet([], *WORDS)


def test_contact_table_reads_back_and_formulas_are_inert():
    header, *rows = csv.reader(io.StringIO(contact_table(cards()), newline=""))
    assert header[:3] == ["photo", "label", "probability"]
    assert rows == [
        ["cat.jpg", "tabby", "0.62", "0.41", "0.02"],
        ["dog.jpg", "beagle", "0.9", "-0.05", "0.02"],
        ["'=HYPERLINK(1)", "'+1", "0.125", "", ""],
    ]


def hostile_figures():
    methods, classes = HOSTILE[2:5], HOSTILE[:2]
    named = {(name, text): FOR for name in methods for text in classes}
    yield saliency_grid(PHOTO, BOX, named, methods, classes, r"$\alpha", "$$ " + HOSTILE[1], "\x00$")
    yield filmstrip(PHOTO, BOX, [FOR] * len(HOSTILE), HOSTILE, r"$\alpha", "$$ " + HOSTILE[1], "\x00$")
    many = [Card(name, PHOTO, BOX, name, 0.5, FOR, 0.1, 0.0) for name in HOSTILE]
    yield contact_sheet(many, r"$\alpha", "$$ " + HOSTILE[1], "\x00$")


def test_hostile_text_is_shown_literally():
    for figure, kind in zip(hostile_figures(), ("png", "pdf", "png"), strict=True):
        assert style.save(figure, kind, 50)
        texts = svg_texts(figure)  # parses, so no NUL and no unescaped tag came through
        assert r"$\alpha" in texts
        assert any(r"$\frac{" in text for text in texts)
        assert any("<img" in text for text in texts)
    assert b"\x00" not in contact_table([Card("\x00", PHOTO, BOX, "a\nb", 0.5, FOR)]).encode()


def long_figures():
    label = "Arabian camel, dromedary, Camelus dromedarius"
    classes = [f"{label} {i}" for i in range(6)]
    maps = {(method, name): FOR for method in METHODS for name in classes}
    yield saliency_grid(PHOTO, BOX, maps, METHODS, classes, "W" * 200, label * 9, label * 9)
    yield filmstrip(PHOTO, BOX, [FOR] * 5, [label] * 5, *(word * 5 for word in WORDS), sign="signed", threshold=0.25)
    yield contact_sheet([Card(label, PHOTO, BOX, label, 0.5, FOR, -0.1, 0.0)] * 4, *WORDS)
    yield contact_sheet([Card("W" * 50, PHOTO, BOX, "W" * 50, 1.0, FOR, -0.1, 0.0)], *WORDS)


def test_everything_stays_on_the_sheet_and_is_large_enough():
    for figure in long_figures():
        figure.canvas.draw()
        edge = figure.bbox
        for text in (*figure.texts, *figure.axes[-1].get_xticklabels()):
            box = text.get_window_extent()
            assert edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1, text
            assert text.get_fontsize() * 390 / 72 / figure.get_size_inches()[0] >= 6.0, "on a page 390 pixels wide"


def test_columns_never_run_into_each_other():
    figure = next(long_figures())
    figure.canvas.draw()
    heads = [text for text in figure.texts if text.get_weight() == "bold" and "camel" in text.get_text().lower()]
    boxes = [text.get_window_extent() for text in heads]
    assert len(boxes) >= 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files_are_repeatable(kind):
    first, second = (style.save(grid(dark=True), kind, 60) for _ in range(2))
    assert first == second


def test_dark_figure_is_on_dark_paper():
    image = Image.open(io.BytesIO(style.save(grid(dark=True), "png", 60))).convert("RGB")
    assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((2, 2))) == style.DARK.paper
    assert image.width == round(4.8 * 60)


def test_nothing_heavy_is_imported_before_a_picture():
    code = "import sys, shared.render.saliency_cards, shared.render.saliency_picture\n"
    code += "print([name for name in ('matplotlib', 'torch', 'gradio', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
