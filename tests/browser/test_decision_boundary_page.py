"""The Decision Boundary Space as a visitor meets it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import visitor
from hostile import HOSTILE
from visitor import FRAME, VIEWS, answered, edit, finding, is_well, numbers, opens_well, refuses_in_turn, serial, tab

QUICK = {"epochs": "12", "size": "60"}
sys.path.append(str(Path(__file__).parents[2] / "spaces/decision_boundary"))
# Of the last epoch: the points, what the browser says of them, and its slopes at the first twenty.
EVALUATE = f"""() => {{
  const model = {FRAME}.model, B = Glasshouse.boundary, weights = model.frames.at(-1);
  const slope = (i) => B.gradient(model, weights, model.x[2 * i], model.x[2 * i + 1], 1);
  const slopes = Array.from({{ length: 20 }}, (_, i) => slope(i)).map(({{ dx, dy }}) => [dx, dy]);
  return [[...model.x], [...B.probabilities(model, weights, model.x, model.N)], slopes];
}}"""
JUDGE = """([truth, scores]) => {
  const B = Glasshouse.boundary, positive = truth.map((each) => each === 1);
  const matrix = B.confusion(truth, scores.map((each) => (each >= 0.5 ? 1 : 0)), 2);
  const [roc, pr, calibration] = [B.roc, B.precisionRecall, B.calibration].map((judge) => judge(positive, scores));
  return { roc, pr, matrix, calibration };
}"""
SLIDER = ".gb-timeline input[type=range]"


def address(space, **inputs):
    return visitor.address(space, **{**QUICK, **inputs})


def trained(page):
    """Wait until the training has come to its end and its last frame is on the page."""
    page.wait_for_function(f"{FRAME}?.model?.finished && !{FRAME}.model.working")


def painted(page):
    """What the surface shows."""
    return page.evaluate("document.querySelector('.gb-picture canvas').toDataURL()")


def scrub(page, to):
    slider = page.locator(SLIDER).first
    slider.evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", to)
    page.wait_for_timeout(250)  # at rest it is drawn once more, sharper


def paint(page, across):
    """Click on the surface, a third from its top."""
    surface = page.locator(".gb-picture canvas").first
    box = surface.bounding_box()
    surface.click(position={"x": across * box["width"], "y": box["height"] / 3})


def move(slider, to):
    """Drag a slider there, and let it go."""
    slider.evaluate(
        """(slider, to) => {
          slider.value = to;
          for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name));
        }""",
        to,
    )


@pytest.fixture(scope="module")
def desk(settle, decision_boundary_space):
    page = settle(address(decision_boundary_space))
    trained(page)
    return page


@pytest.fixture
def run(desk):
    """A page with a finished training, on its last epoch: one for all tests, which leave it as it was."""
    tab(desk, "watch")
    scrub(desk, 12)
    return desk


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_first_picture_needs_no_click(visit, decision_boundary_space, width, height, scheme):
    page = visit(decision_boundary_space, width, height, scheme)
    trained(page)
    opens_well(page, width, height, scheme)
    assert page.locator(".gb-picture canvas").first.bounding_box()["y"] < height - 100
    assert page.locator(".gh-inputs .block:has(input:visible)").count() <= 5


def test_every_preset_draws(visit, decision_boundary_space):
    page = visit(decision_boundary_space)
    trained(page)
    for index in range(page.locator(".gh-preset").count()):
        before = serial(page)
        page.locator(".gh-preset").nth(index).click()
        answered(page, before)
        trained(page)
        skip = page.get_by_role("button", name="Skip, show me")
        if skip.is_visible():
            skip.click()
        assert page.locator(".gh-problem:visible").count() == 0, index
        assert len(numbers(finding(page))) >= 2, index


# ---- the network in the browser -----------------------------------------------------------------------------------
NETWORKS = [
    {}, {"activation": "ReLU"}, {"activation": "GELU", "hidden_layers": "5,3"}, {"activation": "sigmoid"},
    {"batch_norm": "true", "dropout": "0.2"}, {"data": "blobs"}, {"learner": "Perceptron"},
    {"learner": "ADALINE", "learning_rate": "0.01"}, {"learner": "ADALINE", "data": "blobs", "learning_rate": "0.01"},
    {"learner": "Perceptron", "data": "quantiles"}, {"learner": "Logistic regression"},
]  # fmt: skip


def test_the_browser_evaluates_the_network_as_torch_does(run):
    torch = pytest.importorskip("torch")
    import decision_boundary_plan as plans
    from decision_boundary_presets import DEFAULTS

    from shared.models.plane_network import forward, probabilities

    for changes in NETWORKS:
        inputs = {**DEFAULTS, **QUICK, **changes}
        before = serial(run)
        edit(run, **inputs)
        answered(run, before)
        trained(run)
        plan = plans.plan_of(inputs)
        film = plans.whole_film(plan)
        points, odds, slopes = run.evaluate(EVALUATE)
        x = torch.tensor(points).reshape(-1, 2).requires_grad_(True)
        with torch.enable_grad():
            found = probabilities(plan.shape, forward(plan.shape, film.weights[-1][None], x))[0]
            expected = torch.autograd.grad(found[:, 1].sum(), x)[0] if found.requires_grad else torch.zeros_like(x)
        error = np.abs(np.array(odds).reshape(found.shape) - found.detach().numpy()).max()
        assert error <= 1e-5, (changes, error)
        assert np.abs(np.array(slopes) - expected[:20].numpy()).max() <= 1e-4, changes
    edit(run, **{**DEFAULTS, **QUICK})
    run.wait_for_function(f"{FRAME}.payload.inputs.learner === 'MLP' && {FRAME}.payload.inputs.data === 'moons'")


def test_the_verdict_is_that_of_scikit_learn(run):
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 2, 200), np.round(random.uniform(0, 1, 200), 2)
    ours = run.evaluate(JUDGE, [truth.tolist(), scores.tolist()])
    assert ours["roc"]["area"] == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert ours["pr"]["average"] == pytest.approx(metrics.average_precision_score(truth, scores))
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    assert ours["pr"]["area"] == pytest.approx(metrics.auc(recall, precision))
    assert ours["matrix"] == metrics.confusion_matrix(truth, scores >= 0.5).tolist()
    places = np.minimum((scores * 10 + 1e-9).astype(int), 9)
    gaps = [abs(scores[places == k].sum() - truth[places == k].sum()) for k in range(10)]
    assert ours["calibration"]["error"] == pytest.approx(sum(gaps) / 200, abs=0.02)


# ---- time, hands, paint ------------------------------------------------------------------------------------------
def test_scrubbing_bends_the_boundary_and_asks_nobody(run):
    last, asked = painted(run), []
    run.wait_for_timeout(200)
    run.on("request", lambda request: asked.append(request.url))
    scrub(run, 0)
    first, said = painted(run), finding(run)
    assert first != last
    assert "Untrained" in said
    run.locator(SLIDER).first.press("ArrowRight")
    run.wait_for_timeout(300)
    assert painted(run) != first
    assert asked == []


def test_it_plays_and_pauses(run):
    run.evaluate(f"{FRAME}.set({{ speed: 5 }})")
    scrub(run, 0)
    run.get_by_role("button", name="Play").first.click()
    run.wait_for_function(f"{FRAME}.boundary.position > 2")
    run.get_by_role("button", name="Pause").first.click()
    run.wait_for_timeout(200)
    at = run.locator(SLIDER).first.input_value()
    run.wait_for_timeout(500)
    assert 2 <= int(at) < 12 and run.locator(SLIDER).first.input_value() == at


def test_edits_in_a_hurry_end_with_the_last(visit, decision_boundary_space):
    page = visit(address(decision_boundary_space))
    trained(page)
    for seed in ("1", "2", "3"):
        edit(page, seed=seed)
    edit(page, noise="0.1")
    page.wait_for_function(f"{FRAME}.payload.inputs.seed === '3' && {FRAME}.payload.inputs.noise === '0.1'")
    for index in (1, 2, 3):
        page.locator(".gh-preset").nth(index).click()
    page.wait_for_function(f"{FRAME}.payload.inputs.data === 'circles'")


def test_a_weight_is_dragged_and_put_back(run):
    before, said = painted(run), finding(run)
    link = run.locator(".gb-hit[tabindex='0']").first
    link.focus()
    for _ in range(5):
        run.keyboard.press("Shift+ArrowUp")
    run.wait_for_function("document.querySelector('.gh-finding').textContent.includes('changed by hand')")
    run.wait_for_timeout(250)
    assert painted(run) != before
    run.get_by_role("button", name="Put back").click()
    run.wait_for_function("!document.querySelector('.gh-finding').textContent.includes('changed by hand')")
    assert finding(run) == said


def test_what_is_done_in_mid_run_is_trained_and_linked(visit, decision_boundary_space):
    page = visit(address(decision_boundary_space))
    trained(page)
    scrub(page, 6)
    before = serial(page)
    page.locator("[data-focus=rate]").select_option("0.3")
    answered(page, before)
    trained(page)
    assert page.evaluate(f"{FRAME}.model.rates[5]") == 0.03
    assert page.evaluate(f"{FRAME}.model.rates[6]") == 0.3
    before = serial(page)
    page.locator("[data-focus='paint 1']").click()
    paint(page, 0.5)
    answered(page, before)
    trained(page)
    assert page.evaluate(f"{FRAME}.model.N") == 61
    again = visit(page.evaluate(f"{FRAME}.address()"))
    trained(again)
    assert again.evaluate(f"{FRAME}.payload.inputs.steer") == page.evaluate(f"{FRAME}.payload.inputs.steer") != ""
    before = serial(page)
    page.get_by_role("button", name="Clear changes").click()
    answered(page, before)
    assert page.evaluate(f"{FRAME}.payload.inputs.steer") == ""


def test_painting_begins_with_an_empty_plane(visit, decision_boundary_space):
    page = visit(address(decision_boundary_space, data="painted"))
    trained(page)
    assert "at least one training point" in page.locator(".gh-panel").inner_text()
    for kind, place in ((0, 0.3), (1, 0.7)):
        before = serial(page)
        page.locator(f"[data-focus='paint {kind}']").click()
        paint(page, place)
        answered(page, before)
    trained(page)
    assert page.evaluate(f"{FRAME}.model.frames.length") > 2
    assert page.evaluate(f"{FRAME}.model.accuracy.training.at(-1)") == 1


# ---- the other views ---------------------------------------------------------------------------------------------
def test_every_view_draws(run):
    for name in ("inside", "space", "verdict", "race"):
        tab(run, name)
        run.wait_for_function("!document.querySelector('.gh-panel[aria-busy=true]')")
        run.wait_for_timeout(300)
        assert run.locator(".gh-problem:visible").count() == 0, name
        assert len(numbers(finding(run))) >= 2, name


def test_a_race_is_run(run):
    tab(run, "race")
    run.locator("[data-focus='start race']").click()
    run.locator(".gh-panel table tbody tr").nth(5).wait_for()
    assert "Adam" in run.locator(".gh-panel table").inner_text()


def test_the_threshold_moves_the_verdict(run):
    tab(run, "verdict")
    before = finding(run)
    slider = run.locator("[data-focus=threshold]")
    move(slider, 99)
    run.wait_for_function("before => document.querySelector('.gh-finding').textContent !== before", arg=before)
    move(slider, 50)


def test_two_trainings_stand_side_by_side(visit, decision_boundary_space):
    page = visit(address(decision_boundary_space))
    trained(page)
    page.get_by_text("Pin as A").click()
    before = serial(page)
    edit(page, learner="Perceptron")
    answered(page, before)
    tab(page, "compare")
    page.wait_for_function("document.querySelectorAll('.gh-panel canvas').length >= 2")
    assert len(numbers(finding(page))) >= 2
    again = visit(page.evaluate(f"{FRAME}.address()"))
    again.wait_for_function("document.querySelectorAll('.gh-panel canvas').length >= 2")


# ---- strangers ---------------------------------------------------------------------------------------------------
WRONG = {
    "data": ["nowhere", HOSTILE], "learner": ["Oracle"], "hidden_layers": ["a,b", "99", "1,1,1,1,1,1,1,1"],
    "learning_rate": ["fast", "0", "nan", "1e9"], "epochs": ["0", "1e9", "many"], "size": ["3", "999999"],
    "seed": ["-1"], "noise": ["inf"], "steer": ["x", "3:add=a,b,c", "999:rate=1", HOSTILE], "dropout": ["2"],
}  # fmt: skip
RIGHT = {
    "data": "moons", "learner": "MLP", "hidden_layers": "8,8", "learning_rate": "0.03", "epochs": "12", "size": "60",
    "seed": "0", "noise": "0.2", "steer": "", "dropout": "0",
}  # fmt: skip


def test_bad_input_is_one_clear_sentence(visit, decision_boundary_space):
    page = visit(address(decision_boundary_space))
    trained(page)
    for name, wrong in WRONG.items():
        refuses_in_turn(page, name, wrong, RIGHT[name])


def test_a_table_is_taken_and_a_wrong_one_refused(visit, decision_boundary_space, tmp_path):
    page = visit(address(decision_boundary_space))
    trained(page)
    page.get_by_text("Your own table").click()
    table = tmp_path / "table.csv"
    rows = [f"{i % 7},{i % 5},{'<b onmouseover=alert(1)>' if i % 2 else 'plain'}" for i in range(60)]
    table.write_text("\n".join(["width,height,kind", *rows]), encoding="utf-8")
    page.locator("#table-file input[type=file]").set_input_files(table)
    page.wait_for_function(f"{FRAME}.payload.inputs.data === 'table' && {FRAME}.model.axes[0].name === 'width'")
    trained(page)
    assert page.locator("b[onmouseover]").count() == 0
    page.get_by_role("button", name="Link", exact=True).click()
    page.locator(".gh-toast").wait_for()
    assert "cannot hold" in page.locator(".gh-toast").inner_text()
    edit(page, data="moons", table="")
    is_well(page)


# ---- what leaves the page ----------------------------------------------------------------------------------------
def test_saved_page_works_without_a_server(visit, decision_boundary_space, tmp_path):
    page = visit(address(decision_boundary_space))
    trained(page)
    with page.expect_download() as started:
        page.get_by_role("button", name="Page", exact=True).click()
    saved = tmp_path / "saved.html"
    started.value.save_as(saved)
    assert saved.stat().st_size < 600_000
    frozen = visit(saved.as_uri(), offline=True)
    trained(frozen)
    before = painted(frozen)
    scrub(frozen, 0)
    assert painted(frozen) != before


@pytest.mark.parametrize(("menu", "name", "suffix"), [("Image", "GIF", ".gif"), ("Data", "npz", ".npz")])
def test_exports_arrive(run, menu, name, suffix):
    run.locator(f".gh-menu summary:text-is('{menu}')").click()
    with run.expect_download() as started:
        run.locator(".gh-menu[open] button", has_text=name).first.click()
    assert Path(started.value.path()).stat().st_size > 500
    assert started.value.suggested_filename.endswith(suffix)


def test_code_and_script_are_shown_to_copy(run):
    for button, word in (("Code", "training("), ("Script", "torch.optim.Adam")):
        run.get_by_role("button", name=button, exact=True).click()
        run.wait_for_function(
            "word => document.querySelector('.gh-dialog[open] textarea')?.value.includes(word)", arg=word
        )
        run.get_by_role("button", name="Close").click()
