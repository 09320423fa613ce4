"""A headless browser for the tests of this folder."""

import os
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--no-first-run",
]  # fmt: skip


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


@pytest.fixture
def visit(chromium):
    """Open an address; the page fails the test on any console error, script error, dialog or outside request."""
    contexts = []
    faults = []

    def open_page(address, width=1280, height=800, scheme="light", offline=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        context.set_default_timeout(40_000)
        contexts.append(context)
        page = context.new_page()
        allowed = ("data:", "blob:", "about:") if offline else ("http://127.0.0.1:", "data:", "blob:", "about:")

        def route(request_route):
            url = request_route.request.url
            if url.startswith(allowed) or url == address:
                return request_route.continue_()
            faults.append(f"request to {url[:200]}")
            return request_route.abort()

        page.route("**/*", route)
        page.on(
            "console", lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None
        )
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(address)
        page.wait_for_selector(
            ".gh-panel canvas, .gh-panel iframe, .gh-panel table, .gh-panel .ga-word, .gh-problem:not([hidden])"
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)
