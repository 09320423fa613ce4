"""The Attention Space as a visitor meets it."""

import json
import re
from urllib.parse import urlencode

import pytest

SENTENCE = "The scenes that the young director shot at night were brilliant."
HOSTILE = "</script><img src=x onerror=alert(1)><b onmouseover=alert(2)>${alert(3)}{{alert(4)}}"
SIZES = [(1280, 800), (390, 844)]


def finding(page):
    return page.locator(".gh-finding").inner_text()


def wait_for_finding(page, before):
    page.wait_for_function("before => document.querySelector('.gh-finding').textContent !== before", arg=before)
    return finding(page)


def type_text(page, text):
    page.locator("#text textarea").fill(text)


def bottom(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["y"] + box["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_first_picture_needs_no_click(visit, space, width, height, scheme):
    page = visit(space, width, height, scheme)
    assert len(re.findall(r"\d+(?:\.\d+)?", finding(page))) >= 2
    assert bottom(page, ".gh-presets") < height
    assert bottom(page, ".gh-finding") < height
    assert page.locator(".gh-panel canvas").first.bounding_box()["y"] < height - 200
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    dark = page.evaluate("document.body.classList.contains('dark')")
    assert dark == (scheme == "dark")


def test_at_most_five_controls_are_visible(visit, space):
    page = visit(space)
    fields = page.locator(".gh-inputs :is(input, textarea, select):visible")
    assert 1 <= fields.count() <= 5


def test_phone_shows_the_picture_before_the_input(visit, space):
    page = visit(space, 390, 844)
    assert page.locator("#picture").bounding_box()["y"] < page.locator("#text").bounding_box()["y"]


def test_previous_word_head_is_named_on_the_open_page(visit, space):
    page = visit(space)
    assert "previous token" in finding(page)
    assert "previous token" in page.locator(".ga-badge").inner_text()


def test_typing_repaints_without_a_button(visit, space):
    page = visit(space)
    before = page.evaluate("Glasshouse.frames[0].model.N")
    type_text(page, "Short text.")
    page.wait_for_function("before => Glasshouse.frames[0].model.N !== before", arg=before)
    assert page.evaluate("Glasshouse.frames[0].payload.inputs.text") == "Short text."


def test_a_click_and_the_arrow_keys_open_heads(visit, space):
    page = visit(space)
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


def test_every_tab_draws(visit, space):
    page = visit(space)
    drawn = {
        "bertviz": ".gh-panel iframe",
        "query": ".gh-panel canvas",
        "switch": ".ga-cell",
        "numbers": ".ga-table tr",
        "flow": ".ga-flow",
    }
    for tab, mark in drawn.items():
        page.locator(f'[data-tab="{tab}"].gh-tab').click()
        page.locator(mark).first.wait_for()
        assert page.locator(".gh-problem:visible").count() == 0
    page.locator('[data-tab="switch"].gh-tab').click()
    page.wait_for_function("!document.querySelector('.gh-waiting')")
    page.locator(".ga-cell").first.click()
    page.locator(".ga-after").wait_for()
    assert "points" in page.locator(".ga-bars").inner_text()


def test_every_preset_answers_its_question(visit, space):
    page = visit(space)
    buttons = page.locator(".gh-preset")
    assert 4 <= buttons.count() <= 8
    kinds = page.evaluate("[...document.querySelectorAll('.gh-preset')].map(b => b.className)")
    assert any("strength" in kind for kind in kinds) and any("weakness" in kind for kind in kinds)
    asked = 0
    for i in range(buttons.count()):
        serial = page.evaluate("Glasshouse.frames[0].payload.serial")
        buttons.nth(i).click()
        page.wait_for_function("before => Glasshouse.frames[0].payload.serial !== before", arg=serial)
        if page.locator(".gh-veil:visible").count():
            asked += 1
            page.get_by_text("Skip, show me").click()
        assert len(re.findall(r"\d+(?:\.\d+)?", finding(page))) >= 2
        assert page.locator(".gh-note").inner_text()
    assert asked == 1


def test_arrow_keys_step_through_presets(visit, space):
    page = visit(space)
    page.locator(".gh-preset").first.focus()
    serial = page.evaluate("Glasshouse.frames[0].payload.serial")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => Glasshouse.frames[0].payload.serial !== before", arg=serial)
    assert (
        page.locator('.gh-preset[aria-pressed="true"]').inner_text() == page.locator(".gh-preset").nth(1).inner_text()
    )


def test_a_prediction_is_judged(visit, space):
    page = visit(space + "?preset=4")
    assert page.locator(".gh-veil").is_visible()
    page.locator(".gh-options button").nth(1).click()
    assert "You saw it coming" in page.locator(".gh-note").inner_text()


def test_a_link_brings_the_picture_back(visit, space):
    page = visit(space)
    type_text(page, SENTENCE.replace("night", "dawn"))
    page.wait_for_function("Glasshouse.frames[0].payload.inputs.text.includes('dawn')")
    page.evaluate("Glasshouse.frames[0].set({layer: 2, head: 1, words: true, special: 'hidden'})")
    link = page.evaluate("Glasshouse.frames[0].address()")
    again = visit(link)
    assert finding(again) == finding(page)
    assert again.locator(".gh-chip").count() == 2
    page.reload()
    page.wait_for_selector(".gh-panel canvas")
    assert finding(again) == finding(page)


def test_chips_and_reset_undo_changes(visit, space):
    page = visit(
        space + "?" + urlencode({"text": SENTENCE, "pair": "It rained.", "words": "true", "special": "hidden"})
    )
    assert page.locator(".gh-chip").count() == 3
    page.locator(".gh-chip button").first.click()
    assert page.locator(".gh-chip").count() == 2
    page.locator(".gh-chips .gh-link").click()
    page.wait_for_function("document.querySelectorAll('.gh-chip').length === 0")
    page.wait_for_function("Glasshouse.frames[0].payload.inputs.pair === ''")
    assert page.locator("#text textarea").input_value() == SENTENCE


def test_pinned_pictures_are_compared_and_linked(visit, space):
    page = visit(space)
    page.get_by_text("Pin as A").click()
    type_text(page, SENTENCE.replace("brilliant", "terrible"))
    page.wait_for_function("Glasshouse.frames[0].payload.inputs.text.includes('terrible')")
    page.locator('[data-tab="compare"].gh-tab').click()
    page.locator("figure").nth(2).wait_for()
    assert "of the attention has moved" in page.locator("figcaption").nth(2).inner_text()
    again = visit(page.evaluate("Glasshouse.frames[0].address()"))
    again.locator("figure").nth(2).wait_for()
    assert again.locator("figcaption").all_inner_texts() == page.locator("figcaption").all_inner_texts()


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\u200b\u200b", "x" * 100_000, "🦉🦉", "שלום עולם", HOSTILE, "$x^2$ <b>bold</b>", "a\u0000b", "."],
)
def test_strange_text_is_answered_calmly(visit, space, text):
    page = visit(space)
    serial = page.evaluate("Glasshouse.frames[0].payload.serial")
    type_text(page, text)
    page.wait_for_function(
        "before => Glasshouse.frames[0].payload.serial !== before || !document.querySelector('.gh-problem').hidden",
        arg=serial,
    )
    problem = page.locator(".gh-problem").first
    if problem.is_visible():
        sentence = problem.inner_text()
        assert 20 < len(sentence) < 300 and sentence.endswith(".") and "Traceback" not in sentence
    assert page.locator(".gh-panel img, .gh-panel b[onmouseover]").count() == 0
    serial = page.evaluate("Glasshouse.frames[0].payload.serial")
    type_text(page, "All is well again.")
    page.wait_for_function("Glasshouse.frames[0].payload.inputs.text === 'All is well again.'")
    assert problem.is_hidden()


@pytest.mark.parametrize(
    "model", ["nobody/nothing-here", "not a model", "../../etc/passwd", "<img src=x onerror=alert(1)>", ""]
)
def test_unknown_networks_are_refused_in_one_sentence(visit, space, model):
    page = visit(space + "?" + urlencode({"text": SENTENCE, "model": model}))
    problem = page.locator(".gh-problem").first.inner_text()
    assert 20 < len(problem) < 300 and problem.endswith(".")
    page.locator(".gh-preset").first.click()
    page.wait_for_selector(".gh-panel canvas")


def test_hostile_text_in_every_tab_stays_text(visit, space):
    page = visit(space + "?" + urlencode({"text": HOSTILE}))
    for tab in ("bertviz", "query", "switch", "numbers", "flow"):
        page.locator(f'[data-tab="{tab}"].gh-tab').click()
        page.wait_for_function("!document.querySelector('.gh-panel [aria-busy=true], .gh-waiting')")
    assert page.locator("img[src=x]").count() == 0
    for frame in page.frames:
        assert frame.locator("img[src=x]").count() == 0


def test_damaged_links_say_so(visit, space):
    page = visit(space + "?" + urlencode({"text": SENTENCE, "pin": "{"}))
    assert "damaged" in page.locator(".gh-problem").first.inner_text()


def test_the_saved_page_works_without_a_server(visit, space, tmp_path):
    page = visit(space + "?" + urlencode({"text": SENTENCE, "tab": "flow"}))
    page.locator(".ga-flow").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Page").click()
    path = tmp_path / "page.html"
    download.value.save_as(path)
    for scheme in ("light", "dark"):
        saved = visit(path.as_uri(), 900, 700, scheme, offline=True)
        assert finding(saved) == finding(page)
        assert saved.locator(".ga-flow").count() == 3
        saved.locator('[data-tab="heads"].gh-tab').click()
        saved.locator('[data-focus="overview"]').focus()
        saved.keyboard.press("ArrowDown")
        assert len(re.findall(r"\d", finding(saved))) >= 2


def test_files_are_saved_and_code_is_shown(visit, space):
    page = visit(space)
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


def test_teaching_mode_hides_what_it_is_told(visit, space):
    page = visit(space + "?view=picture&type=large")
    assert not page.locator("#question").is_visible() and not page.locator(".gh-inputs").is_visible()
    page = visit(space + "?hide=presets,story")
    assert not page.locator("#presets").is_visible() and page.locator("#question").is_visible()


def test_story_phrases_set_the_picture(visit, space):
    page = visit(space)
    links = page.locator('#story a[href*="#set:"]')
    assert links.count() >= 3
    page.get_by_text("the average of all heads").click()
    assert "average" in page.locator(".ga-one-head h3").inner_text().lower()


def test_long_text_fetches_heads_when_they_are_opened(visit, space):
    page = visit(space + "?" + urlencode({"text": "word " * 700}), 1280, 800)
    assert "512 tokens" in page.locator(".gh-note").inner_text()
    assert json.loads(
        page.evaluate("JSON.stringify([Glasshouse.frames[0].model.weights, Glasshouse.frames[0].model.N])")
    ) == [None, 512]
    page.evaluate("Glasshouse.frames[0].set({layer: 1, head: 1})")
    page.locator('[data-focus="heatmap"]').wait_for()


def test_a_sentence_pair_can_be_filtered(visit, space):
    page = visit(
        space
        + "?"
        + urlencode({"text": "It was long.", "pair": "It was good.", "pair_filter": "x", "special": "hidden"})
    )
    whole = page.evaluate(
        "(() => { const f = Glasshouse.frames[0]; return Glasshouse.attention.groups(f.model, f.state).length })()"
    )
    page.evaluate("Glasshouse.frames[0].set({pairs: 'AB'})")
    size = page.evaluate("""(() => { const f = Glasshouse.frames[0], A = Glasshouse.attention;
        const d = A.display(f.model, A.head(f.model, 0, 0), f.state); return [d.rows.length, d.columns.length] })()""")
    assert sum(size) == whole and all(size)
