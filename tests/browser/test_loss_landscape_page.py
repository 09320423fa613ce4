"""The Loss Landscape Space as a visitor meets it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import visitor
from hostile import HOSTILE
from visitor import FRAME, VIEWS, answered, edit, finding, is_well, numbers, opens_well, refuses_in_turn, serial, tab

sys.path.append(str(Path(__file__).parents[2] / "spaces/loss_landscape"))
QUICK = {"resolution": "9", "epochs": "12", "size": "60", "hidden_layers": "4"}
MAP = ".gl-left canvas"
SLIDER = ".gl-time input[type=range]"


def address(space, **inputs):
    return visitor.address(space, **{**QUICK, **inputs})


def scanned(page):
    """Wait until nothing of the landscape is missing."""
    page.wait_for_function(f"{FRAME}?.model?.finished && !{FRAME}.model.working")


def scrub(page, to):
    slider = page.locator(SLIDER).first
    slider.evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", to)


def click_on_map(page, across, down):
    chart = page.locator(MAP).last
    box = chart.bounding_box()
    chart.click(position={"x": across * box["width"], "y": down * box["height"]})


SHOWN = "JSON.stringify([...document.querySelectorAll('.gh-panel canvas')].map((canvas) => canvas.toDataURL()))"


def shown(page):
    """What the map and the place beside it show."""
    return page.evaluate(SHOWN)


@pytest.fixture(scope="module")
def desk(settle, loss_landscape_space):
    page = settle(address(loss_landscape_space))
    scanned(page)
    return page


@pytest.fixture
def run(desk):
    """A page with a finished scan, the ball at its end: one for all tests, which leave it as it was."""
    desk.evaluate(f"{FRAME}.set({{ tab: 'map', a: undefined, b: undefined }})")
    scrub(desk, 12)
    return desk


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_first_picture_needs_no_click(visit, loss_landscape_space, width, height, scheme):
    page = visit(loss_landscape_space, width, height, scheme)
    scanned(page)
    opens_well(page, width, height, scheme)
    assert page.locator(MAP).first.bounding_box()["y"] < height - 100
    assert page.locator(".gh-inputs .block:has(input:visible)").count() <= 5
    assert "stuck" in finding(page)


def test_presets_draw(visit, loss_landscape_space):
    page = visit(loss_landscape_space)
    scanned(page)
    for name in ("Momentum escapes", "The same network twice", "Between two minima"):
        before = serial(page)
        page.locator(".gh-preset", has_text=name).click()
        answered(page, before)
        scanned(page)
        skip = page.get_by_role("button", name="Skip, show me")
        if skip.is_visible():
            skip.click()
        assert page.locator(".gh-problem:visible").count() == 0, name
        assert len(numbers(finding(page))) >= 2, name


# ---- the landscape in the browser -----------------------------------------------------------------------------------
@pytest.mark.parametrize("changes", [{}, {"model": "mlp-blobs", "activation": "ReLU", "plane": "trajectory"}])
def test_the_browser_holds_the_landscape_of_the_server(visit, loss_landscape_space, changes):
    from loss_landscape_plan import plan_of, whole_scan
    from loss_landscape_presets import DEFAULTS

    page = visit(address(loss_landscape_space, **changes))
    scanned(page)
    expected = whole_scan(plan_of({**DEFAULTS, **QUICK, **changes})).result()
    grid = np.array(page.evaluate(f"[...{FRAME}.model.grid]")).reshape(9, 9)
    np.testing.assert_allclose(grid, expected.loss, rtol=2e-4, atol=1e-5)  # other processes, other sums
    # The network that the browser evaluates at a place has the loss of the surface there.
    middle = page.evaluate(
        f"""() => {{
          const {{ model }} = {FRAME};
          const lossAt = (alpha, beta) => Glasshouse.landscape.lossHere(model, {{ alpha, beta }});
          return [...model.beta].flatMap((beta) => [...model.alpha].map((alpha) => lossAt(alpha, beta)));
        }}"""
    )
    np.testing.assert_allclose(np.array(middle).reshape(9, 9), grid, rtol=2e-4, atol=1e-5)


def test_a_click_shows_that_network_and_is_linked(run, visit):
    before = shown(run)
    click_on_map(run, 0.1, 0.1)
    state = run.evaluate(f"({{ ...{FRAME}.chosen }})")
    assert float(state["a"]) < -0.5 and float(state["b"]) > 0.5
    run.wait_for_function(f"before => {SHOWN} !== before", arg=before)
    again = visit(run.evaluate(f"{FRAME}.address()"))
    scanned(again)
    assert again.evaluate(f"{FRAME}.chosen.a") == state["a"]
    run.locator(MAP).last.press("Escape")
    assert run.evaluate(f"{FRAME}.chosen.a === undefined")


def test_the_ball_rolls_and_the_slider_moves_it(run):
    scrub(run, 0)
    first = shown(run)
    assert run.evaluate(f"{FRAME}.chosen.epoch") == 0
    run.locator(".gl-time [data-focus=play]").click()
    run.wait_for_function(f"({FRAME}.chosen.epoch ?? 12) >= 12 && !{FRAME}.landscape.mode")
    assert shown(run) != first


def test_every_view_draws(run):
    for name in ("path", "directions", "gradients", "sharpness", "redraw"):
        tab(run, name)
        run.wait_for_function("!document.querySelector('.gh-panel .gh-state progress')")
        assert run.locator(".gh-problem:visible, .gh-failure:visible").count() == 0, name
        assert len(numbers(finding(run))) >= 2, name
    run.locator(".gl-draw, .gl-draws button").nth(2).wait_for()


def test_the_surface_is_turned_and_clicked(run):
    tab(run, "surface")
    run.wait_for_function("document.querySelector('.gl-stage canvas') && globalThis.Plotly")
    run.wait_for_timeout(500)
    box = run.locator(".gl-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    run.mouse.move(x, y)
    run.mouse.down()
    run.mouse.move(x + 90, y + 20, steps=6)
    run.mouse.up()
    run.wait_for_function(f"{FRAME}.chosen.camera !== undefined")
    run.mouse.click(x, y)
    run.wait_for_function(f"{FRAME}.chosen.a !== undefined")


def test_two_landscapes_stand_side_by_side(visit, loss_landscape_space):
    page = visit(address(loss_landscape_space, activation="ReLU", plane="random"))
    scanned(page)
    page.get_by_role("button", name="Pin as A").click()
    edit(page, rescale="10")
    page.wait_for_function(f"{FRAME}.payload.inputs.rescale === '10' && {FRAME}.pinned")
    scanned(page)
    tab(page, "compare")
    page.locator(".gl-compare canvas").nth(1).wait_for()
    peaks = page.evaluate(f"[{FRAME}.pinned.model, {FRAME}.model].map(({{ grid }}) => Math.max(...grid))")
    assert abs(peaks[0] - peaks[1]) > 0.5
    edit(page, plane="filter_normalized")
    page.wait_for_function(f"{FRAME}.payload.inputs.plane === 'filter_normalized'")
    scanned(page)
    assert page.evaluate(f"{FRAME}.pinned.model.plan.plane") == "random"


def test_a_picture_network_answers_at_a_click(visit, loss_landscape_space):
    trained = pytest.importorskip("shared.models.trained")
    from shared.problems import Problem

    try:
        trained.pictures_of("lenet-mnist", 12)
    except Problem as problem:
        pytest.skip(str(problem))
    page = visit(address(loss_landscape_space, model="lenet-mnist", resolution="5", images="12"))
    scanned(page)
    page.locator(".gl-card").nth(11).wait_for()
    page.wait_for_function("!document.querySelector('.gl-cards.gl-dim')")
    assert page.locator(".gl-wrong").count() <= 1
    click_on_map(page, 0.02, 0.02)
    page.wait_for_function(f"{FRAME}.chosen.a !== undefined && !document.querySelector('.gl-cards.gl-dim')")
    losses = page.evaluate(f"{FRAME}.model.paths[0].loss")
    assert np.isfinite(losses).all() and losses[0] > 1 > losses[-1]


# ---- hostile ground ---------------------------------------------------------------------------------------------
def test_bad_input_is_one_clear_sentence(visit, loss_landscape_space):
    page = visit(address(loss_landscape_space, model=HOSTILE))
    visitor.refusal(page)
    edit(page, model="mlp-moons")
    is_well(page)
    wrong = {"plane": HOSTILE, "resolution": "4", "span": "nan", "seed": HOSTILE, "rivals": "Adam,<b>", "rescale": "10"}
    right = {"plane": "filter_normalized", "resolution": "9", "span": "1.0", "seed": "0", "rivals": "", "rescale": "1"}
    for name, value in wrong.items():
        refuses_in_turn(page, name, [value], right[name])


# ---- what leaves the page ----------------------------------------------------------------------------------------
def test_saved_page_works_without_a_server(visit, loss_landscape_space, tmp_path):
    page = visit(address(loss_landscape_space))
    scanned(page)
    with page.expect_download() as started:
        page.get_by_role("button", name="Page", exact=True).click()
    saved = tmp_path / "saved.html"
    started.value.save_as(saved)
    assert saved.stat().st_size < 2_200_000
    frozen = visit(saved.as_uri(), offline=True)
    scanned(frozen)
    before = shown(frozen)
    click_on_map(frozen, 0.9, 0.9)
    frozen.wait_for_timeout(300)
    assert shown(frozen) != before
    tab(frozen, "surface")
    frozen.wait_for_function("document.querySelector('.gl-stage canvas')")


@pytest.mark.parametrize(("menu", "name", "suffix"), [("Image", "GIF", ".gif"), ("Data", "npz", ".npz")])
def test_exports_arrive(run, menu, name, suffix):
    run.locator(f".gh-menu summary:text-is('{menu}')").click()
    with run.expect_download() as started:
        run.locator(".gh-menu[open] button", has_text=name).first.click()
    assert Path(started.value.path()).stat().st_size > 500
    assert started.value.suggested_filename.endswith(suffix)
