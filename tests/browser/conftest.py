"""A headless browser for the tests of this folder."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "spaces"))  # hostile.py

from visitor import LEAVING  # noqa: E402

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
# Something to look at, or the reason why there is nothing.
PICTURE = ".gh-panel :is(canvas, iframe, table, .ga-word), .gh-problem:not([hidden])"


@pytest.fixture(scope="module")  # it keeps an event loop running, which other tests must not meet
def chromium():
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; the continuous integration must install it")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profile(chromium):
    """What the pages of a module have in common: what they fetched once is not fetched again."""
    context = chromium.new_context(accept_downloads=True, reduced_motion="reduce")
    context.set_default_timeout(120_000)  # a machine that is busy is no fault of the page
    yield context
    context.close()


@pytest.fixture
def visit(profile):
    """Open an address; the page fails the test on any console error, script error, dialog or outside request."""
    with visiting(profile) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def settle(profile):
    """As ``visit``, for a page that several tests of a module share."""
    with visiting(profile) as open_page:
        yield open_page


@contextmanager
def visiting(profile):
    """A function that opens pages, which are closed in the end and must then have had no faults."""
    pages, faults = [], []

    def open_page(address, width=1280, height=800, scheme="light", offline=False):
        page = profile.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        watch(page, faults, {address} if offline else {address, "http://127.0.0.1:"})
        page.goto(address)
        page.wait_for_selector(PICTURE)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not faults, "\n".join(faults)


def watch(page, faults, reachable):
    """Write down what must not happen on a page, which may ask for addresses that begin as those of ``reachable``.

    Requests are listened to and not routed: a routed page would fetch everything anew each time it is opened.
    """
    allowed = ("data:", "blob:", "about:", *reachable)

    def requested(request):
        if not request.url.startswith(allowed):
            faults.append(f"request to {request.url[:200]}")

    def said(message):
        if message.type == "error" and page not in LEAVING:
            faults.append(f"console: {message.text}")

    page.on("request", requested)
    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
