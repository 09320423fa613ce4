"""The Grad-CAM Space as a visitor meets it."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE
from PIL import Image
from visitor import (
    FRAME,
    VIEWS,
    address,
    answered,
    finding,
    numbers,
    opens_well,
    refusal,
    refuses_in_turn,
    reload,
    serial,
    tab,
    told,
)

EXAMPLES = Path(__file__).parents[2] / "spaces/grad_cam/examples"
DIGIT = {"image": "example:digit-4", "model": "lenet-mnist"}
DOT = {"image": "example:dot-1", "model": "lenet-mnist-shortcut"}


def drawn(page):
    """Wait until every map of the heat tab is there."""
    page.wait_for_function(
        "document.querySelector('.gs-cell') && !document.querySelector('.gs-cell .gs-wait, .gs-cell .gs-job')"
    )


def settled(page):
    page.wait_for_function(
        "!document.querySelector('.gh-panel [aria-busy=true], .gh-panel progress, .gh-panel .gh-waiting')"
    )


def measured(page):
    """Wait until the faithfulness is told, beside that of a random map."""
    page.wait_for_function("document.querySelector('.gh-trust').textContent.includes('random map scores')")


def pictures(page):
    """What the cells of the heat tab show."""
    return page.evaluate("[...document.querySelectorAll('.gs-cell canvas')].map(canvas => canvas.toDataURL())")


def upload(page, *files):
    page.locator("#photo input[type=file]").set_input_files(files[0])


@pytest.fixture(scope="module")
def desk(settle, grad_cam_space):
    return settle(address(grad_cam_space, **DIGIT))


@pytest.fixture
def digit(desk):
    """A page with a digit: one for all tests, which leave it as they found it but for the tab."""
    desk.evaluate(f"{FRAME}.set({{tab: 'heat'}})")
    drawn(desk)
    measured(desk)
    return desk


@pytest.fixture
def photo(tmp_path):
    """A photo of a visitor."""
    random = np.random.default_rng(0)
    path = tmp_path / "mine.png"
    Image.fromarray(random.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    return path


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_first_picture_needs_no_click(visit, grad_cam_space, mobilenet, width, height, scheme):
    page = visit(grad_cam_space, width, height, scheme)
    drawn(page)
    told(page, "heat lies on")
    opens_well(page, width, height, scheme)
    assert "mobilenet-v2 says" in finding(page)
    assert page.locator(".gs-cell canvas").first.bounding_box()["y"] < height - 100
    assert page.locator(".gs-cell").count() == 4
    if width < 500:
        assert page.locator("#picture").bounding_box()["y"] < page.locator("#photo").bounding_box()["y"]
        assert page.locator(".gs-cell").nth(1).bounding_box()["x"] > 150, "two cells in a row"


def test_at_most_five_controls_are_visible(digit):
    fields = digit.locator(".gh-inputs :is(input, textarea, select):visible")
    assert 1 <= fields.count() <= 5
    assert digit.locator(".gs-controls > :visible").count() <= 5


def test_without_the_hub_the_page_opens_on_a_network_of_the_house(visit, grad_cam_space_alone):
    if not (EXAMPLES.parents[2] / "checkpoints/resnet20-cifar10/model.safetensors").exists():
        pytest.skip("checkpoints/resnet20-cifar10 is not there")
    page = visit(grad_cam_space_alone)
    drawn(page)
    assert "resnet20-cifar10" in page.locator(".gh-problem").first.inner_text()
    assert page.locator("#model input").input_value().startswith("resnet20-cifar10")
    assert len(numbers(finding(page))) >= 2


# ---- inside the picture -----------------------------------------------------------------------------------------
def test_every_tab_draws(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DOT, methods="Grad-CAM,Gradient x input"))
    marks = {
        "layers": ".gs-film canvas", "how": ".gs-channel", "deletion": ".gs-chart polyline",
        "randomize": ".gs-strip canvas", "dot": ".gs-marks", "heat": ".gs-cell",
    }  # fmt: skip
    for name, mark in marks.items():
        tab(page, name)
        page.locator(mark).first.wait_for()
        settled(page)
        assert page.locator(".gh-problem:visible, .gs-nothing:visible").count() == 0, name
        assert len(numbers(finding(page))) >= 2, name
    tab(page, "dot")
    told(page, "of 2 methods put at least half of their heat on the dot")
    assert finding(page).startswith("1 of 2 methods")


def test_another_class_clicked_or_named_moves_the_heat(visit, grad_cam_space, mobilenet):
    page = visit(grad_cam_space)
    drawn(page)
    before = pictures(page)
    told(page, "right of the middle")
    page.locator(".gs-class-name", has_text="tabby").click()
    told(page, "Asked about “tabby, tabby cat”")
    drawn(page)
    told(page, "left of the middle")
    moved = [one != other for one, other in zip(before, pictures(page), strict=True)]
    assert moved == [True, True, False, True], "only Eigen-CAM stays as it is"
    search = page.locator(".gs-search input")
    search.fill("tiger cat")
    search.press("Enter")
    told(page, "Asked about “tiger cat”")


def test_the_sliders_repaint_without_the_server(digit):
    before, asked = pictures(digit), []
    digit.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    digit.evaluate(f"{FRAME}.set({{opacity: 20, threshold: 50, colormap: 'magma', sign: 'signed'}})")
    digit.wait_for_timeout(300)
    assert all(one != other for one, other in zip(before, pictures(digit), strict=True))
    assert not asked
    assert digit.locator(".gh-chip").count() == 4
    digit.locator(".gh-chips .gh-link").click()
    digit.wait_for_function("document.querySelectorAll('.gh-chip').length === 0")
    assert pictures(digit) == before


def test_a_slow_method_shows_its_progress_and_can_be_canceled(visit, grad_cam_space, mobilenet):
    page = visit(address(grad_cam_space, methods="Score-CAM", image="example:cat"))
    job = page.locator(".gs-job")
    page.wait_for_function("document.querySelector('.gh-trust').textContent.includes('once Score-CAM is there')")
    page.wait_for_function("(document.querySelector('.gs-job progress')?.value ?? 0) > 0")
    assert 0 < page.locator(".gs-job progress").evaluate("bar => bar.value") < 1
    job.get_by_role("button", name="Cancel").click()
    job.get_by_role("button", name="Compute").wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.post_data) if request.method == "POST" else None)
    page.wait_for_timeout(2500)
    assert not [body for body in asked if re.search(r"kind\W+map\W", body or "")]
    job.get_by_role("button", name="Compute").click()
    job.locator("progress").wait_for()


def test_a_slow_method_is_drawn_and_measured_when_it_is_done(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DIGIT, methods="Occlusion,Score-CAM"))
    drawn(page)
    assert page.locator(".gs-peak").count() == 2
    measured(page)
    assert "Occlusion" in page.locator(".gh-trust").inner_text()


def test_a_slow_map_can_be_canceled_before_it_is_tested(visit, grad_cam_space, mobilenet):
    page = visit(address(grad_cam_space, methods="Grad-CAM,Score-CAM", image="example:cat", tab="deletion"))
    job = page.locator(".gh-panel .gs-job .gs-job")
    page.wait_for_function("(document.querySelector('.gh-panel .gs-job progress')?.value ?? 0) > 0")
    job.get_by_role("button", name="Cancel").click()
    page.wait_for_function("document.querySelectorAll('.gs-table tbody tr').length === 3")
    told(page, "By Grad-CAM’s map")
    asked = page.evaluate(f"[...{FRAME}.cache.keys()].filter(key => key.includes('Score-CAM'))")
    assert asked and all(json.loads(key)[0] == "map" for key in asked), "nothing is asked about a map that is not there"
    job.get_by_role("button", name="Compute").click()
    job.locator("progress").wait_for()


def test_a_slow_map_is_tested_when_it_is_done(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DOT, tab="deletion", methods="Occlusion,Grad-CAM,Score-CAM"))
    for name, rows in (("deletion", "'.gs-table tbody tr').length === 5"), ("dot", "'.gs-mark').length === 3")):
        tab(page, name)  # beside the three methods, deletion has two floors
        page.wait_for_function(f"document.querySelectorAll({rows}")
        settled(page)
        assert page.locator(".gh-panel .gs-job, .gs-nothing:visible").count() == 0, name
        assert len(numbers(finding(page))) >= 2, name


def test_a_cell_is_enlarged_and_closed_by_keys(digit):
    digit.locator(".gs-open").first.focus()
    digit.keyboard.press("Enter")
    assert digit.locator(".gs-large h3").inner_text().startswith("Grad-CAM")
    digit.keyboard.press("ArrowRight")
    assert digit.locator(".gs-large h3").inner_text().startswith("LayerCAM")
    digit.keyboard.press("Escape")
    assert digit.locator(".gs-large").count() == 0 and digit.locator(".gs-cell").count() == 4


def test_trust_is_told_with_its_floor(digit):
    assert len(numbers(digit.locator(".gh-trust").inner_text())) >= 2


# ---- presets, photos --------------------------------------------------------------------------------------------
def test_every_preset_answers_its_question(visit, grad_cam_space, mobilenet):
    page = visit(grad_cam_space)
    buttons = page.locator(".gh-preset")
    assert 4 <= buttons.count() <= 8
    asked = 0
    for index in range(buttons.count()):
        before = serial(page)
        buttons.nth(index).click()
        answered(page, before)
        if page.locator(".gh-veil:visible").count():
            asked += 1
            page.get_by_text("Skip, show me").click()
        assert page.locator(".gh-note").inner_text()
        assert len(numbers(finding(page))) >= 2
        assert page.locator(".gh-problem:visible").count() == 0
    assert asked == 1


def test_a_photo_and_then_a_wrong_file(visit, grad_cam_space, photo, tmp_path):
    page = visit(address(grad_cam_space, **DIGIT))
    drawn(page)
    before = serial(page)
    upload(page, photo)
    answered(page, before)
    reference = page.evaluate(f"{FRAME}.payload.inputs.image")
    assert re.fullmatch(r"photo:[0-9a-f]{32}", reference)
    drawn(page)
    assert page.evaluate(f"{FRAME}.model.size[1] / {FRAME}.model.size[0]") == pytest.approx(80 / 60)
    shown, before = pictures(page), serial(page)
    (tmp_path / "wrong.png").write_bytes(b"This is no photo.")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "wrong.png")
    toast = page.locator(".toast-body")
    toast.first.wait_for()
    sentence = toast.first.inner_text()
    assert "Traceback" not in sentence and "/tmp" not in sentence and "photo" in sentence.lower()
    page.wait_for_timeout(500)
    assert page.evaluate(f"{FRAME}.payload.inputs.image") == reference
    assert serial(page) == before and pictures(page) == shown
    page.get_by_role("button", name="Link", exact=True).click()
    assert "cannot hold your photo" in page.locator(".gh-toast").inner_text()


def test_a_contact_sheet_of_three_photos(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DIGIT))
    page.locator(".gh-inputs").get_by_text("Contact sheet").first.click()
    before = serial(page)
    photos = [EXAMPLES / name for name in ("chelsea.jpg", "coffee.jpg", "rocket.jpg")]
    page.locator("#sheet-files input[type=file]").set_input_files(photos)
    answered(page, before)
    tab(page, "sheet")
    page.wait_for_function("document.querySelectorAll('.gs-card canvas').length === 3")
    told(page, "of 3 photos")
    for sort in ("by confidence", "by faithfulness"):
        page.get_by_text(sort).first.click()
        assert page.locator(".gs-card canvas").count() == 3
    chances = [
        float(numbers(text)[-1]) for text in page.locator(".gs-card figcaption span:first-child").all_inner_texts()
    ]
    assert len(chances) == 3


# ---- links, pins, pages -----------------------------------------------------------------------------------------
def test_a_link_brings_the_picture_back(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DOT))
    page.evaluate(f"{FRAME}.set({{target: '1', more: '4', layer: 0, methods: 'HiResCAM,Saliency', sign: 'signed'}})")
    drawn(page)
    told(page, "Asked about “1”")
    link = page.evaluate(f"{FRAME}.address()")
    again = visit(link)
    drawn(again)
    told(again, "Asked about “1”")
    assert finding(again) == finding(page)
    assert pictures(again) == pictures(page)
    assert again.locator(".gh-chip").count() == page.locator(".gh-chip").count() >= 1
    reload(page)
    drawn(page)
    told(page, finding(again))


def test_pinned_pictures_are_compared_and_linked(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **DOT, methods="Grad-CAM,Saliency"))
    drawn(page)
    page.get_by_text("Pin as A").click()
    page.evaluate(f"{FRAME}.set({{target: '1'}})")
    tab(page, "compare")
    page.locator(".gs-comparison").nth(1).wait_for()
    assert page.locator(".gs-comparison").first.locator("canvas").count() == 3
    captions = page.locator(".gs-comparison figcaption").all_inner_texts()
    again = visit(page.evaluate(f"{FRAME}.address()"))
    again.locator(".gs-comparison").nth(1).wait_for()
    assert again.locator(".gs-comparison figcaption").all_inner_texts() == captions


def test_the_saved_page_works_without_a_server(visit, grad_cam_space, tmp_path):
    page = visit(address(grad_cam_space, **DOT, methods="Grad-CAM,Saliency,Occlusion"))
    drawn(page)
    measured(page)
    tab(page, "layers")
    page.locator(".gs-film canvas").first.wait_for()
    tab(page, "heat")
    drawn(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Page", exact=True).click()
    path = tmp_path / "page.html"
    download.value.save_as(path)
    for scheme in ("light", "dark"):
        saved = visit(path.as_uri(), 900, 700, scheme, offline=True)
        drawn(saved)
        assert finding(saved) == finding(page)
        assert saved.locator(".gh-trust").inner_text() == page.locator(".gh-trust").inner_text()
        tab(saved, "layers")
        saved.locator(".gs-film canvas").first.wait_for()
        tab(saved, "randomize")
        assert "saved without this view" in saved.locator(".gh-panel .gh-problem").inner_text()


def test_files_are_saved_and_code_is_shown(digit):
    page = digit
    for menu, items in (("Image", ("PNG", "GIF over the layers")), ("Data", ("maps at full resolution (.npz)",))):
        for item in items:
            page.locator(".gh-tools summary", has_text=menu).click()
            with page.expect_download() as download:
                page.get_by_role("button", name=item, exact=True).click()
            assert download.value.path().stat().st_size > 300
    page.get_by_role("button", name="Code", exact=True).click()
    page.locator(".gh-code").wait_for()
    code = page.locator(".gh-code").input_value()
    assert len(code.splitlines()) <= 15 and "saliency(" in code
    page.get_by_role("button", name="Close").click()


# ---- strangers --------------------------------------------------------------------------------------------------
def test_unknown_networks_are_refused_in_one_sentence(visit, grad_cam_space):
    page = visit(address(grad_cam_space, **{**DIGIT, "model": HOSTILE}))
    refusal(page)
    page.locator(".gh-preset").nth(3).click()
    page.get_by_text("Skip, show me").click()
    page.locator(".gh-panel canvas").first.wait_for()
    refuses_in_turn(page, "model", ["nobody/nothing-here", "../../etc/passwd", "", "bert-reviews"], "lenet-mnist")


def test_unknown_photos_are_refused_in_one_sentence(visit, grad_cam_space):
    page = visit(address(grad_cam_space, image=HOSTILE, model="lenet-mnist"))
    refusal(page)
    wrong = [f"photo:{'0' * 32}", "example:nothing", "", "file:///etc/passwd"]
    said = refuses_in_turn(page, "image", wrong, "example:digit-4")
    assert not any("/etc" in sentence for sentence in said)


def test_hostile_states_of_a_link_are_dropped(visit, grad_cam_space):
    state = {
        "target": HOSTILE,
        "methods": HOSTILE,
        "sign": HOSTILE,
        "layer": "99999",
        "more": "1,2,-7,x",
        "tab": HOSTILE,
    }
    page = visit(address(grad_cam_space, **DIGIT, **state))
    drawn(page)
    assert page.locator("img[src=x], b[onmouseover]").count() == 0
    assert page.locator(".gh-problem:visible").count() == 0


def test_hostile_names_of_classes_stay_text(visit, tmp_path):
    sys.path.append(str(EXAMPLES.parent))
    import grad_cam_compute as compute

    from shared.render.page import document

    payload = compute.payload({**DIGIT, "sheet": ""})
    payload = json.loads(json.dumps(payload))
    payload["data"]["labels"] = [f"{HOSTILE} {index}" for index in range(10)]
    payload["data"]["alt"] = payload["inputs"]["model"] = HOSTILE
    for row in payload["data"]["methods"]:
        row["idea"] = row["fails"] = row["equation"] = HOSTILE
    path = tmp_path / "hostile.html"
    path.write_text(document("saliency", payload, HOSTILE), encoding="utf-8")
    page = visit(path.as_uri(), offline=True)
    drawn(page)
    for name in ("layers", "how", "deletion", "randomize", "heat"):
        tab(page, name)
        page.wait_for_timeout(100)
        assert page.locator("img, b[onmouseover]").count() == 0
    assert HOSTILE in finding(page)


def test_story_phrases_set_the_picture(digit):
    links = digit.locator('#story a[href*="#set:"]')
    assert links.count() >= 3
    digit.locator("#story").get_by_text("Make it forget").click()
    digit.locator(".gs-strip").wait_for()
