"""The Denoising Space as a visitor meets it."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

SIZES = [(1280, 800), (390, 844)]
QUICK = {"steps": "8", "samples": "4", "guidance": "1"}
HOSTILE = "</script><img src=x onerror=alert(1)><b onmouseover=alert(2)>"
FRAME = "globalThis.Glasshouse?.frames[0]"


def address(space, **inputs):
    return f"{space}?{urlencode({**QUICK, **inputs})}"


def finding(page):
    return page.locator(".gh-finding").inner_text()


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?", text)


def run_through(page):
    """Wait until the run has come to its end and has been measured."""
    page.wait_for_function(f"{FRAME}?.model?.run.finished && !{FRAME}.model.run.working && {FRAME}.model.run.decided")


def tab(page, name):
    page.locator(f'.gh-tab[data-tab="{name}"]').click()


def canvases(page):
    """What the canvases of the panel show."""
    return page.evaluate("[...document.querySelectorAll('.gh-panel canvas')].map(canvas => canvas.toDataURL())")


def scrub(page, to):
    slider = page.locator(".gd-watch input[type=range]")
    slider.evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", to)


def bottom(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["y"] + box["height"]


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_first_picture_needs_no_click(visit, denoising_space, width, height, scheme):
    page = visit(denoising_space, width, height, scheme)
    page.wait_for_function(f"{FRAME}?.model?.run.x.length > 0")
    assert len(numbers(finding(page))) >= 2
    assert bottom(page, ".gh-presets") < height
    assert bottom(page, ".gh-finding") < height
    assert page.locator(".gh-panel canvas").first.bounding_box()["y"] < height - 100
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")


def test_at_most_five_controls_are_visible(visit, denoising_space):
    page = visit(address(denoising_space))
    groups = page.locator(".gh-inputs .block:has(input:visible)")
    assert 1 <= groups.count() <= 5


def test_the_run_streams_and_can_be_stopped(visit, denoising_space):
    page = visit(address(denoising_space, steps="500", samples="8"))
    page.wait_for_function(f"{FRAME}?.model?.run.x.length > 0")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function(f"!{FRAME}.model.run.working")
    done = page.evaluate(f"{FRAME}.model.run.done")
    assert 0 < done < 500
    page.wait_for_timeout(700)
    assert page.evaluate(f"{FRAME}.model.run.done") == done, "it goes on although nobody asks"
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"done => {FRAME}.model.run.done > done", arg=done)
    page.get_by_role("button", name="Cancel").click()


# ---- time in the hand -------------------------------------------------------------------------------------------
def test_scrubbing_changes_the_pictures_and_asks_nobody(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    last = canvases(page)
    assert len(last) >= 3
    asked = []
    page.wait_for_timeout(300)
    page.on("request", lambda request: asked.append(request.url))
    scrub(page, 0)
    first = canvases(page)
    assert all(one != other for one, other in zip(first[:3], last[:3], strict=True))
    page.locator(".gd-watch canvas").first.focus()
    page.keyboard.press("ArrowRight")
    assert canvases(page)[0] != first[0]
    page.keyboard.press("End")
    assert canvases(page)[:3] == last[:3]
    assert asked == []


def test_the_numbers_at_the_cursor_are_those_of_the_schedule(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    scrub(page, 4)
    told = page.locator(".gd-numbers").inner_text()
    t = 999 - 4 * 125
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[t]
    assert str(t) in told and f"{abar**0.5:.3f}" in told and f"{(1 - abar) ** 0.5:.3f}" in told


def test_a_sample_can_be_looked_at_alone(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    page.locator(".gd-watch canvas").first.click(position={"x": 10, "y": 10})
    page.wait_for_function(f"{FRAME}.state.sample === 0")
    page.keyboard.press("Escape")
    page.wait_for_function(f"{FRAME}.state.sample === undefined || {FRAME}.state.sample < 0")


# ---- the other views --------------------------------------------------------------------------------------------
def test_quick_views_draw(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    for name in ("learned", "decided", "forward", "fork", "race", "morph", "invert"):
        tab(page, name)
        page.wait_for_function("!document.querySelector('.gh-panel[aria-busy=true]')")
        assert page.locator(".gh-problem:visible").count() == 0, name
        assert page.locator(".gh-panel").inner_text().strip(), name
        assert len(numbers(finding(page))) >= 2, name


def test_forks_are_computed_on_request(visit, denoising_space):
    page = visit(address(denoising_space, label="any", tab="fork", fork="6"))
    run_through(page)
    before = len(canvases(page))
    page.get_by_role("button", name="Fork here").click()
    page.wait_for_function("before => document.querySelectorAll('.gh-panel canvas').length >= before + 1", arg=before)
    assert page.locator(".gh-problem:visible").count() == 0


def test_noise_is_mixed_in_the_browser(visit, denoising_space):
    page = visit(address(denoising_space, tab="forward"))
    run_through(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    before = canvases(page)
    page.locator(".gh-panel input[type=range]").first.evaluate(
        "slider => { slider.value = 900; slider.dispatchEvent(new Event('input')); }"
    )
    assert canvases(page) != before
    assert asked == []


# ---- presets, links, pin ----------------------------------------------------------------------------------------
def test_prediction_waits_for_an_answer(visit, denoising_space):
    page = visit(f"{denoising_space}?preset=2")
    page.locator(".gh-predict").wait_for()
    page.get_by_role("button", name="In the middle third").click()
    page.wait_for_function("!document.querySelector('.gh-veil:not([hidden]) .gh-predict button')")


def test_pin_compares_two_runs_on_one_timeline(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    page.get_by_role("button", name="Pin as A").click()
    page.evaluate(f"{FRAME}.host.edit({{steps: '4'}})")
    page.wait_for_function(f"{FRAME}.payload.inputs.steps === '4'")
    tab(page, "compare")
    run_through(page)
    assert page.locator(".gh-panel canvas").count() >= 2
    link = page.evaluate(f"{FRAME}.address()")
    assert "pin=" in link
    again = visit(link)
    run_through(again)
    assert again.evaluate(f"{FRAME}.pinned.payload.inputs.steps") == "8"


def test_reload_shows_the_same(visit, denoising_space):
    page = visit(address(denoising_space, label="Bag", seed="5"))
    run_through(page)
    scrub(page, 3)
    before = canvases(page)[:3]
    page.wait_for_function("location.search.includes('seed=5')")
    page.reload()
    run_through(page)
    scrub(page, 3)
    assert canvases(page)[:3] == before


def test_teaching_mode_leaves_the_picture_alone(visit, denoising_space):
    page = visit(address(denoising_space, view="picture"))
    run_through(page)
    assert page.locator(".gh-inputs:visible, .gh-presets:visible").count() == 0


# ---- hostile ground ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [("label", HOSTILE), ("model", HOSTILE), ("seed", HOSTILE), ("steps", "7"), ("samples", "99"), ("guidance", "nan")],
)
def test_bad_input_is_one_clear_sentence(visit, denoising_space, name, value):
    page = visit(address(denoising_space, **{name: value}))
    problem = page.locator(".gh-problem:visible").first
    problem.wait_for()
    assert problem.inner_text().strip().endswith(".")
    assert "Traceback" not in problem.inner_text()
    assert page.locator("img[src='x']").count() == 0


def test_wrong_file_keeps_the_picture(visit, denoising_space, tmp_path):
    page = visit(address(denoising_space, tab="forward"))
    run_through(page)
    before = page.evaluate(f"{FRAME}.payload.inputs.image")
    page.get_by_role("button", name="A picture for the tab Forward").click()
    bad = tmp_path / "words.png"
    bad.write_text("no picture", encoding="utf-8")
    page.locator("#photo input[type=file]").set_input_files(bad)
    page.locator(".toast-body").first.wait_for()
    assert page.evaluate(f"{FRAME}.payload.inputs.image") == before


def test_an_upload_becomes_the_picture(visit, denoising_space, tmp_path):
    page = visit(address(denoising_space, tab="forward"))
    run_through(page)
    page.get_by_role("button", name="A picture for the tab Forward").click()
    mine = tmp_path / "mine.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(mine)
    page.locator("#photo input[type=file]").set_input_files(mine)
    page.wait_for_function(f"{FRAME}.payload.inputs.image.startsWith('photo:')")
    page.get_by_role("button", name="Link", exact=True).click()
    page.locator(".gh-toast").wait_for()
    assert "cannot hold" in page.locator(".gh-toast").inner_text()


# ---- what leaves the page ---------------------------------------------------------------------------------------
def test_saved_page_works_without_a_server(visit, denoising_space, tmp_path):
    page = visit(address(denoising_space))
    run_through(page)
    tab(page, "decided")
    page.wait_for_function("!document.querySelector('.gh-panel[aria-busy=true]')")
    with page.expect_download() as started:
        page.get_by_role("button", name="Page", exact=True).click()
    saved = tmp_path / "saved.html"
    started.value.save_as(saved)
    frozen = visit(saved.as_uri(), offline=True)
    tab(frozen, "watch")
    run_through(frozen)
    before = canvases(frozen)
    scrub(frozen, 0)
    assert canvases(frozen)[0] != before[0]
    tab(frozen, "race")
    frozen.wait_for_function("document.querySelector('.gh-panel').textContent.includes('live Space')")


@pytest.mark.parametrize(("menu", "name", "suffix"), [("Image", "GIF", ".gif"), ("Data", "npz", ".npz")])
def test_exports_arrive(visit, denoising_space, menu, name, suffix):
    page = visit(address(denoising_space))
    run_through(page)
    page.locator(f".gh-menu summary:text-is('{menu}')").click()
    with page.expect_download() as started:
        page.locator(".gh-menu[open] button", has_text=name).first.click()
    assert Path(started.value.path()).stat().st_size > 500
    assert started.value.suggested_filename.endswith(suffix)


def test_code_is_shown_to_copy(visit, denoising_space):
    page = visit(address(denoising_space))
    run_through(page)
    page.get_by_role("button", name="Code", exact=True).click()
    text = page.locator(".gh-dialog textarea").input_value()
    assert "trajectory(" in text and json.dumps("ddpm-fashion-mnist")[1:-1] in text
