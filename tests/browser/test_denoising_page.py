"""The Denoising Space as a visitor meets it."""

import json
from pathlib import Path

import numpy as np
import pytest
import visitor
from hostile import HOSTILE
from PIL import Image
from visitor import FRAME, VIEWS, finding, numbers, opens_well, refusal, refuses_in_turn, tab

QUICK = {"steps": "8", "samples": "4", "guidance": "1"}


def address(space, **inputs):
    return visitor.address(space, **{**QUICK, **inputs})


def run_through(page):
    """Wait until the run has come to its end and has been measured."""
    page.wait_for_function(f"{FRAME}?.model?.run.finished && !{FRAME}.model.run.working && {FRAME}.model.run.decided")


def canvases(page):
    """What the canvases of the panel show."""
    return page.evaluate("[...document.querySelectorAll('.gh-panel canvas')].map(canvas => canvas.toDataURL())")


def scrub(page, to):
    slider = page.locator(".gd-watch input[type=range]")
    slider.evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", to)


@pytest.fixture(scope="module")
def desk(settle, denoising_space):
    page = settle(address(denoising_space))
    run_through(page)
    return page


@pytest.fixture
def run(desk):
    """A page with a finished run, on its last frame: one for all tests, which choose nothing that stays."""
    tab(desk, "watch")
    scrub(desk, 8)
    return desk


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_first_picture_needs_no_click(visit, denoising_space, width, height, scheme):
    page = visit(denoising_space, width, height, scheme)
    page.wait_for_function(f"{FRAME}?.model?.run.x.length > 0")
    opens_well(page, width, height, scheme)
    assert page.locator(".gh-panel canvas").first.bounding_box()["y"] < height - 100


def test_at_most_five_controls_are_visible(run):
    groups = run.locator(".gh-inputs .block:has(input:visible)")
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
def test_scrubbing_changes_the_pictures_and_asks_nobody(run):
    last = canvases(run)
    assert len(last) >= 3
    asked = []
    run.wait_for_timeout(300)
    run.on("request", lambda request: asked.append(request.url))
    scrub(run, 0)
    first = canvases(run)
    assert all(one != other for one, other in zip(first[:3], last[:3], strict=True))
    run.locator(".gd-watch canvas").first.focus()
    run.keyboard.press("ArrowRight")
    assert canvases(run)[0] != first[0]
    run.keyboard.press("End")
    assert canvases(run)[:3] == last[:3]
    assert asked == []


def test_the_numbers_at_the_cursor_are_those_of_the_schedule(run):
    scrub(run, 4)
    told = run.locator(".gd-numbers").inner_text()
    t = 999 - 4 * 125
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[t]
    assert str(t) in told and f"{abar**0.5:.3f}" in told and f"{(1 - abar) ** 0.5:.3f}" in told


def test_a_sample_can_be_looked_at_alone(run):
    run.locator(".gd-watch canvas").first.click(position={"x": 10, "y": 10})
    run.wait_for_function(f"{FRAME}.state.sample === 0")
    run.keyboard.press("Escape")
    run.wait_for_function(f"{FRAME}.state.sample === undefined || {FRAME}.state.sample < 0")


# ---- the other views --------------------------------------------------------------------------------------------
def test_quick_views_draw(run):
    for name in ("learned", "decided", "forward", "fork", "race", "morph", "invert"):
        tab(run, name)
        run.wait_for_function("!document.querySelector('.gh-panel[aria-busy=true]')")
        assert run.locator(".gh-problem:visible").count() == 0, name
        assert run.locator(".gh-panel").inner_text().strip(), name
        assert len(numbers(finding(run))) >= 2, name


def test_forks_are_computed_on_request(run):
    run.evaluate(f"{FRAME}.set({{tab: 'fork', fork: 6}})")
    before = len(canvases(run))
    run.get_by_role("button", name="Fork here").click()
    run.wait_for_function("before => document.querySelectorAll('.gh-panel canvas').length >= before + 1", arg=before)
    assert run.locator(".gh-problem:visible").count() == 0


def test_noise_is_mixed_in_the_browser(run):
    tab(run, "forward")
    asked = []
    run.on("request", lambda request: asked.append(request.url))
    before = canvases(run)
    run.locator(".gh-panel input[type=range]").first.evaluate(
        "slider => { slider.value = 900; slider.dispatchEvent(new Event('input')); }"
    )
    assert canvases(run) != before
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
    visitor.reload(page)
    run_through(page)
    scrub(page, 3)
    assert canvases(page)[:3] == before


def test_teaching_mode_leaves_the_picture_alone(visit, denoising_space):
    page = visit(address(denoising_space, view="picture"))
    page.locator(".gh-panel canvas").first.wait_for()
    assert page.locator(".gh-inputs:visible, .gh-presets:visible").count() == 0


# ---- hostile ground ---------------------------------------------------------------------------------------------
def test_bad_input_is_one_clear_sentence(visit, denoising_space):
    page = visit(address(denoising_space, label=HOSTILE))
    refusal(page)
    visitor.edit(page, label="each")
    visitor.is_well(page)
    wrong = {"model": HOSTILE, "seed": HOSTILE, "steps": "7", "samples": "99", "guidance": "nan"}
    right = {**QUICK, "model": "ddpm-fashion-mnist", "seed": "0"}
    for name, value in wrong.items():
        refuses_in_turn(page, name, [value], right[name])


def test_a_wrong_file_keeps_the_picture_and_an_upload_becomes_it(visit, denoising_space, tmp_path):
    page = visit(address(denoising_space, tab="forward"))
    run_through(page)
    before = page.evaluate(f"{FRAME}.payload.inputs.image")
    page.get_by_role("button", name="A picture for the tab Forward").click()
    bad = tmp_path / "words.png"
    bad.write_text("no picture", encoding="utf-8")
    page.locator("#photo input[type=file]").set_input_files(bad)
    page.locator(".toast-body").first.wait_for()
    assert page.evaluate(f"{FRAME}.payload.inputs.image") == before
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
def test_exports_arrive(run, menu, name, suffix):
    run.locator(f".gh-menu summary:text-is('{menu}')").click()
    with run.expect_download() as started:
        run.locator(".gh-menu[open] button", has_text=name).first.click()
    assert Path(started.value.path()).stat().st_size > 500
    assert started.value.suggested_filename.endswith(suffix)


def test_code_is_shown_to_copy(run):
    run.get_by_role("button", name="Code", exact=True).click()
    text = run.locator(".gh-dialog textarea").input_value()
    assert "trajectory(" in text and json.dumps("ddpm-fashion-mnist")[1:-1] in text
    run.get_by_role("button", name="Close").click()
