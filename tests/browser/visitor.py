"""What a visitor of any Space does, and what they see."""

import re
from urllib.parse import urlencode

from hostile import one_sentence

FRAME = "globalThis.Glasshouse?.frames[0]"
# A laptop by day and a phone by night.
VIEWS = [(1280, 800, "light"), (390, 844, "dark")]
LEAVING = set()  # pages on their way out, where gradio tells the console that its calls were cut off


def address(space, **inputs):
    """The link to a Space with these inputs."""
    return f"{space}?{urlencode(inputs)}"


def reload(page):
    """Load the page again, whatever it is waiting for."""
    LEAVING.add(page)
    page.reload()
    LEAVING.remove(page)


def finding(page):
    return page.locator(".gh-finding").inner_text()


def told(page, words):
    """Wait until the finding holds ``words``."""
    page.wait_for_function("words => document.querySelector('.gh-finding')?.textContent.includes(words)", arg=words)


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?", text)


def bottom(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["y"] + box["height"]


def tab(page, name):
    page.locator(f'.gh-tab[data-tab="{name}"]').click()


def serial(page):
    """The number of the answer that is on the page."""
    return page.evaluate(f"{FRAME}.payload.serial")


def answered(page, before):
    """Wait until another answer than ``before`` is on the page."""
    page.wait_for_function(f"before => {FRAME}.payload.serial !== before", arg=before)


def edit(page, **inputs):
    """Change inputs as a chip of the picture does."""
    page.evaluate(f"inputs => {FRAME}.host.edit(inputs)", inputs)


def is_well(page):
    """Wait until the page shows a picture and no problem."""
    page.locator(".gh-problem").first.wait_for(state="hidden")


def refusal(page):
    """The one sentence in which the page says what is wrong; nothing that was typed has become a part of the page."""
    problem = page.locator(".gh-problem:visible").first
    problem.wait_for()
    assert page.locator("img[src=x], b[onmouseover]").count() == 0
    return one_sentence(problem.inner_text())


def refuses_in_turn(page, name, wrong, right):
    """Whether each ``wrong`` value of the input ``name`` is refused in one sentence, and ``right`` makes it well again.

    Returns the sentences.
    """
    said = []
    for value in wrong:
        edit(page, **{name: value})
        try:
            said.append(refusal(page))
        except Exception as error:
            error.add_note(f"{name} = {value!r}")
            raise
        edit(page, **{name: right})
        is_well(page)
    return said


def opens_well(page, width, height, scheme):
    """What every Space shows without a click: finding and presets on the first screen, in the colors of the machine."""
    assert len(numbers(finding(page))) >= 2
    assert bottom(page, ".gh-presets") < height
    assert bottom(page, ".gh-finding") < height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
