"""What every bench needs: a clock, a server, a browser that knows when something is painted."""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--no-first-run",
]  # fmt: skip
BARE_APP = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
with gr.Blocks() as demo:
    gr.Button("one").click(lambda: None, api_name="nothing")
demo.launch(ssr_mode=False)
"""
PATIENCE = 600.0  # seconds; a drawing of millions of SVG lines may take minutes
# Resolves in the second animation frame after READY holds: the first one is then painted. In the page's own clock.
PAINTED = """() => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error("not painted in time")), PATIENCE);
  addEventListener("error", (event) => reject(new Error(event.message)));
  const done = () => { clearTimeout(late); resolve(performance.now()); };
  const look = () => requestAnimationFrame((READY) ? () => requestAnimationFrame(done) : look);
  look();
})"""


def verdict(label: str, value: float, unit: str, target: float | None = None, at_least: bool = False) -> str:
    """A line with one figure, and whether it meets its target if it has one."""
    line = f"  {label}: {value:.2f} {unit}"
    if target is None:
        return line
    met = value >= target if at_least else value <= target
    return f"{line} (target {'>=' if at_least else '<='} {target:g} {unit}) {'met' if met else 'MISSED'}"


def seconds(function: Callable[[], object], runs: int) -> float:
    """The median wall-clock time of ``function``, after one run to warm up."""
    function()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def together(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Wall-clock times of several functions, which take turns: one time each in every round, after one to warm up.

    The order changes from round to round, so that none always follows the same neighbor; and because all of a round
    meet the same machine, compare them within rounds (``ratio``).
    """
    order, shuffled = list(functions), random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds + 1):
        shuffled.shuffle(order)
        for name in order:
            began = time.perf_counter()
            functions[name]()
            times[name].append(time.perf_counter() - began)
    return {name: taken[1:] for name, taken in times.items()}


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of two functions' times within each round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def peak_megabytes() -> float:
    """The most memory that this process has held, in 10^6 bytes.

    Linux hands ``ru_maxrss`` of the parent down to a started process, so there the kernel's mark of the process itself
    is read.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))[0]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


@contextlib.contextmanager
def serving(app: Path) -> Iterator[tuple[str, float]]:
    """Run a gradio ``app``; its address, and the seconds from the command to the first HTTP 200."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryFile("w+") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(app)],
            env={**os.environ, "GRADIO_SERVER_PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _answers(address):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"{app} ended with {process.returncode} and never answered:\n{log.read()}")
                time.sleep(0.01)
            yield address, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait()


def start(space: Path, runs: int, ours: Iterable[float] = (), theirs: Iterable[float] = ()) -> Iterator[str]:
    """Command to first HTTP 200 of the app ``space``, beside a bare one-button gradio app, in turns.

    ``ours`` and ``theirs`` are starts that were timed before; they count as the first of the ``runs``.
    """
    ours, theirs = list(ours), list(theirs)
    with bare_app() as bare:
        for run in range(runs):
            for app, times in ((bare, theirs), (space, ours)):
                if len(times) <= run:
                    with serving(app) as (_, taken):
                        times.append(taken)
    taken, floor = statistics.median(ours), statistics.median(theirs)
    yield f"start to the first HTTP 200: {taken:.2f} s; a bare one-button app {floor:.2f} s"
    yield verdict("start, ours / bare", taken / floor, "x", 1.25)


@contextlib.contextmanager
def bare_app() -> Iterator[Path]:
    """The file of a gradio app with one button."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.py"
        path.write_text(BARE_APP, encoding="utf-8")
        yield path


def _answers(address: str) -> bool:
    """Whether a server gives the page at ``address``."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:  # nobody listens there yet
        return False


def call(address: str, endpoint: str, inputs: list[Any]) -> list[Any]:
    """The outputs of a gradio endpoint, asked over plain HTTP; files are fetched, and given as bytes.

    Raises RuntimeError where the endpoint refuses.
    """
    path, body = f"{address}gradio_api/call/{endpoint}", json.dumps({"data": inputs}).encode()
    request = urllib.request.Request(path, body, {"Content-Type": "application/json"})
    event = json.loads(_read(request))["event_id"]
    *_, kind, data = (line for line in _read(f"{path}/{event}").decode().splitlines() if line)
    if kind != "event: complete":
        raise RuntimeError(f"/{endpoint} answers {kind}, {data}")
    outputs = json.loads(data.removeprefix("data: "))
    return [_read(output["url"]) if isinstance(output, dict) else output for output in outputs]


def _read(request: str | urllib.request.Request) -> bytes:
    """The body of an HTTP answer."""
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return bytes(answer.read())


@contextlib.contextmanager
def browsing() -> Iterator["Browser"]:
    """A fresh headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("Install Chromium first (Debian: apt-get install chromium); pictures are timed in it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: "Browser") -> "Page":
    """An empty page of a laptop's size."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    return page


def waiting(ready: str) -> str:
    """A JavaScript function that waits until the expression ``ready`` holds and is painted; gives milliseconds."""
    return PAINTED.replace("READY", ready).replace("PATIENCE", str(1000 * PATIENCE))


def painted(page: "Page", ready: str) -> float:
    """The page's clock, in seconds, when the expression ``ready`` holds and is painted."""
    return float(page.evaluate(waiting(ready))) / 1000


def first_paint(html: str, ready: str, check: str, served: dict[str, str]) -> float:
    """Seconds from navigation to ``html`` until ``ready`` holds and is painted, in a Chromium of its own.

    ``check``, an expression that must hold in the end, proves that all of it was drawn; it costs no measured time.
    ``served`` answers requests by address; the page reaches nothing else.
    """
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        path = Path(folder) / "page.html"
        path.write_text(html, encoding="utf-8")
        page = open_page(browser)
        page.route(re.compile("^https?:"), lambda route: _serve(route, served))
        # Waiting begins with the document itself, so that no message to the busy page can delay it.
        page.add_init_script(f"window.paintedAt = ({waiting(ready)})();")
        page.goto(path.as_uri(), wait_until="commit")
        taken = float(page.evaluate("window.paintedAt")) / 1000
        if not page.evaluate(check):
            raise RuntimeError(f"the page is not drawn as expected: {check}")
        return taken


def _serve(route: "Route", served: dict[str, str]) -> None:
    """Answer a page's request from memory, or not at all."""
    body = served.get(route.request.url)
    if body is None:
        route.abort()
    else:
        route.fulfill(body=body, content_type="text/javascript")
