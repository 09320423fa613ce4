"""The Attention Space as a visitor meets it."""

import json

import pytest
from hostile import HOSTILE
from visitor import (
    FRAME,
    VIEWS,
    address,
    answered,
    finding,
    is_well,
    numbers,
    opens_well,
    refusal,
    refuses_in_turn,
    reload,
    serial,
    tab,
    told,
)

SENTENCE = "The scenes that the young director shot at night were brilliant."


def type_text(page, text):
    page.locator("#text textarea").fill(text)


def typed(page, text):
    """Type a text and wait until it is the one that is shown."""
    type_text(page, text)
    page.wait_for_function(f"text => {FRAME}.payload.inputs.text === text", arg=text)


@pytest.fixture(scope="module")
def desk(settle, space):
    return settle(space)


@pytest.fixture
def home(desk):
    """The page as it opens: one for all tests, brought back by its first preset."""
    before = serial(desk)
    desk.locator(".gh-preset").first.click()
    answered(desk, before)
    return desk


# ---- the open page ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_first_picture_needs_no_click(visit, space, width, height, scheme):
    page = visit(space, width, height, scheme)
    opens_well(page, width, height, scheme)
    assert page.locator(".gh-panel canvas").first.bounding_box()["y"] < height - 200
    assert "previous token" in finding(page) and "previous token" in page.locator(".ga-badge").inner_text()
    fields = page.locator(".gh-inputs :is(input, textarea, select):visible")
    assert 1 <= fields.count() <= 5
    if width < 500:
        assert page.locator("#picture").bounding_box()["y"] < page.locator("#text").bounding_box()["y"]


def test_typing_repaints_without_a_button(home):
    before = home.evaluate(f"{FRAME}.model.N")
    typed(home, "Short text.")
    assert home.evaluate(f"{FRAME}.model.N") != before


# ---- inside the picture -----------------------------------------------------------------------------------------
def test_a_click_and_the_arrow_keys_open_heads(home):
    page = home
    page.locator('[data-focus="overview"]').focus()
    seen = {page.locator(".ga-one-head h3").inner_text()}
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
        seen.add(page.locator(".ga-one-head h3").inner_text())
    assert len(seen) >= 3
    canvas = page.locator('[data-focus="overview"]')
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + 20)
    assert page.locator(".ga-one-head h3").inner_text().startswith("Layer 0 · head 0")


def test_every_tab_draws(home):
    page = home
    drawn = {
        "bertviz": ".gh-panel iframe",
        "query": ".gh-panel canvas",
        "switch": ".ga-cell",
        "numbers": ".ga-table tr",
        "flow": ".ga-flow",
    }
    for name, mark in drawn.items():
        tab(page, name)
        page.locator(mark).first.wait_for()
        assert page.locator(".gh-problem:visible").count() == 0, name
    tab(page, "switch")
    page.wait_for_function("!document.querySelector('.gh-waiting')")
    page.locator(".ga-cell").first.click()
    page.locator(".ga-after").wait_for()
    assert "points" in page.locator(".ga-bars").inner_text()


# ---- presets, links, pins ---------------------------------------------------------------------------------------
def test_every_preset_answers_its_question(home):
    page = home
    buttons = page.locator(".gh-preset")
    assert 4 <= buttons.count() <= 8
    kinds = page.evaluate("[...document.querySelectorAll('.gh-preset')].map(b => b.className)")
    assert any("strength" in kind for kind in kinds) and any("weakness" in kind for kind in kinds)
    asked = 0
    for i in range(buttons.count()):
        before = serial(page)
        buttons.nth(i).click()
        answered(page, before)
        if page.locator(".gh-veil:visible").count():
            asked += 1
            page.get_by_text("Skip, show me").click()
        assert len(numbers(finding(page))) >= 2
        assert page.locator(".gh-note").inner_text()
    assert asked == 1


def test_arrow_keys_step_through_presets(home):
    home.locator(".gh-preset").first.focus()
    before = serial(home)
    home.keyboard.press("ArrowRight")
    answered(home, before)
    pressed = home.locator('.gh-preset[aria-pressed="true"]').inner_text()
    assert pressed == home.locator(".gh-preset").nth(1).inner_text()


def test_a_prediction_is_judged(visit, space):
    page = visit(space + "?preset=4")
    assert page.locator(".gh-veil").is_visible()
    page.locator(".gh-options button").nth(1).click()
    assert "You saw it coming" in page.locator(".gh-note").inner_text()


def test_a_link_brings_the_picture_back(visit, home):
    typed(home, SENTENCE.replace("night", "dawn"))
    home.evaluate(f"{FRAME}.set({{layer: 2, head: 1, words: true, special: 'hidden'}})")
    shown = finding(home)
    page = visit(home.evaluate(f"{FRAME}.address()"))
    assert finding(page) == shown
    assert page.locator(".gh-chip").count() == 2
    reload(page)
    told(page, shown)


def test_chips_and_reset_undo_changes(visit, space):
    page = visit(address(space, text=SENTENCE, pair="It rained.", words="true", special="hidden"))
    assert page.locator(".gh-chip").count() == 3
    page.locator(".gh-chip button").first.click()
    assert page.locator(".gh-chip").count() == 2
    page.locator(".gh-chips .gh-link").click()
    page.wait_for_function("document.querySelectorAll('.gh-chip').length === 0")
    page.wait_for_function("Glasshouse.frames[0].payload.inputs.pair === ''")
    assert page.locator("#text textarea").input_value() == SENTENCE


def test_pinned_pictures_are_compared_and_linked(visit, home):
    page = home
    page.get_by_text("Pin as A").click()
    typed(page, SENTENCE.replace("brilliant", "terrible"))
    tab(page, "compare")
    page.locator("figure").nth(2).wait_for()
    assert "of the attention has moved" in page.locator("figcaption").nth(2).inner_text()
    again = visit(page.evaluate("Glasshouse.frames[0].address()"))
    again.locator("figure").nth(2).wait_for()
    assert again.locator("figcaption").all_inner_texts() == page.locator("figcaption").all_inner_texts()


# ---- strangers --------------------------------------------------------------------------------------------------
STRANGE = (
    "", "   ", "\u200b\u200b", "x" * 100_000, "🦉🦉", "שלום עולם", HOSTILE, "$x^2$ <b>bold</b>", "a\u0000b", ".",
)  # fmt: skip


def test_strange_text_is_answered_calmly(visit, space):
    page = visit(space)
    for number, text in enumerate(STRANGE):
        before = serial(page)
        type_text(page, text)
        try:
            page.wait_for_function(
                f"before => {FRAME}.payload.serial !== before || !document.querySelector('.gh-problem').hidden",
                arg=before,
            )
            if page.locator(".gh-problem").first.is_visible():
                refusal(page)
            assert page.locator(".gh-panel img, .gh-panel b[onmouseover]").count() == 0
            typed(page, f"All is well again, {number}.")
            is_well(page)
        except Exception as error:
            error.add_note(f"text = {text[:80]!r}")
            raise


def test_unknown_networks_are_refused_in_one_sentence(visit, space):
    page = visit(address(space, text=SENTENCE, model=HOSTILE))
    refusal(page)
    page.locator(".gh-preset").first.click()
    page.wait_for_selector(".gh-panel canvas")
    refuses_in_turn(page, "model", ["nobody/nothing-here", "not a model", "../../etc/passwd", ""], "bert-reviews")


def test_hostile_text_in_every_tab_stays_text(visit, space):
    page = visit(address(space, text=HOSTILE))
    for name in ("bertviz", "query", "switch", "numbers", "flow"):
        tab(page, name)
        page.wait_for_function("!document.querySelector('.gh-panel [aria-busy=true], .gh-waiting')")
    assert page.locator("img[src=x]").count() == 0
    for frame in page.frames:
        assert frame.locator("img[src=x]").count() == 0


def test_damaged_links_say_so(visit, space):
    page = visit(address(space, text=SENTENCE, pin="{"))
    assert "damaged" in page.locator(".gh-problem").first.inner_text()


# ---- what leaves the page ---------------------------------------------------------------------------------------
def test_the_saved_page_works_without_a_server(visit, space, tmp_path):
    page = visit(address(space, text=SENTENCE, tab="flow"))
    page.locator(".ga-flow").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Page").click()
    path = tmp_path / "page.html"
    download.value.save_as(path)
    for scheme in ("light", "dark"):
        saved = visit(path.as_uri(), 900, 700, scheme, offline=True)
        assert finding(saved) == finding(page)
        assert saved.locator(".ga-flow").count() == 3
        tab(saved, "heads")
        saved.locator('[data-focus="overview"]').focus()
        saved.keyboard.press("ArrowDown")
        assert len(numbers(finding(saved))) >= 2


def test_files_are_saved_and_code_is_shown(home):
    page = home
    for menu, items in (("Image", ("PNG", "SVG", "PDF")), ("Data", ("all heads (.npz)", "this head (.csv)"))):
        for item in items:
            page.locator(".gh-tools summary", has_text=menu).click()
            with page.expect_download() as download:
                page.get_by_role("button", name=item, exact=True).click()
            assert download.value.path().stat().st_size > 300
    page.get_by_role("button", name="Code", exact=True).click()
    code = page.locator(".gh-code").input_value()
    assert len(code.splitlines()) <= 15 and "attention(" in code
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Embed", exact=True).click()
    embed = page.locator(".gh-code").input_value()
    assert embed.startswith("<iframe") and "view=picture" in embed and "onerror" not in embed
    page.get_by_role("button", name="Close").click()


# ---- by link ----------------------------------------------------------------------------------------------------
def test_teaching_mode_hides_what_it_is_told(visit, space):
    page = visit(space + "?view=picture&type=large")
    assert not page.locator("#question").is_visible() and not page.locator(".gh-inputs").is_visible()
    page = visit(space + "?hide=presets,story")
    assert not page.locator("#presets").is_visible() and page.locator("#question").is_visible()


def test_story_phrases_set_the_picture(home):
    page = home
    links = page.locator('#story a[href*="#set:"]')
    assert links.count() >= 3
    page.get_by_text("the average of all heads").click()
    assert "average" in page.locator(".ga-one-head h3").inner_text().lower()


def test_long_text_fetches_heads_when_they_are_opened(visit, space):
    page = visit(address(space, text="word " * 700))
    assert "512 tokens" in page.locator(".gh-note").inner_text()
    assert json.loads(
        page.evaluate("JSON.stringify([Glasshouse.frames[0].model.weights, Glasshouse.frames[0].model.N])")
    ) == [None, 512]
    page.evaluate("Glasshouse.frames[0].set({layer: 1, head: 1})")
    page.locator('[data-focus="heatmap"]').wait_for()


def test_a_sentence_pair_can_be_filtered(visit, space):
    page = visit(address(space, text="It was long.", pair="It was good.", pair_filter="x", special="hidden"))
    whole = page.evaluate(
        "(() => { const f = Glasshouse.frames[0]; return Glasshouse.attention.groups(f.model, f.state).length })()"
    )
    page.evaluate("Glasshouse.frames[0].set({pairs: 'AB'})")
    size = page.evaluate("""(() => { const f = Glasshouse.frames[0], A = Glasshouse.attention;
        const d = A.display(f.model, A.head(f.model, 0, 0), f.state); return [d.rows.length, d.columns.length] })()""")
    assert sum(size) == whole and all(size)
