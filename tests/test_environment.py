"""Where torch comes from: PyTorch's CPU index where it answers, at once the default index where it does not."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import environment


@pytest.fixture(autouse=True)
def plain_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """This interpreter's pip on a Linux machine without a GPU, untouched by the machine's own pip settings."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment.sys, "platform", "linux")
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip is asked to install, instead of doing so."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "pip", lambda *arguments: calls.append(arguments) or True)
    return calls


@pytest.fixture(params=["refuses", "says nothing"])
def dead_index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index that refuses connections, or takes them and never answers."""
    monkeypatch.setattr(environment, "PROBE_SECONDS", 3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "says nothing":
            server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/whl/cpu"


@pytest.fixture
def filled_index(tmp_path: Path) -> str:
    """An index that offers one version of torch."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "index.html").write_text(
        '<!DOCTYPE html><html><body><a href="torch-1.0-py3-none-any.whl">torch-1.0-py3-none-any.whl</a></body></html>',
        encoding="utf-8",
    )
    return tmp_path.as_uri()


def test_dead_index_is_left_alone(dead_index: str, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "CPU_INDEX", dead_index)
    environment.install_torch()
    assert asked == []


def test_torch_comes_alone_and_pinned(filled_index: str, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "CPU_INDEX", filled_index)
    environment.install_torch()
    assert len(asked) == 1
    assert asked[0][:4] == ("install", "--no-deps", "--index-url", filled_index)
    assert asked[0][-1] == "torch==2.13.0"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_use_the_default_index(
    platform: str, filled_index: str, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(environment, "CPU_INDEX", filled_index)
    monkeypatch.setattr(environment.sys, "platform", platform)
    environment.install_torch()
    assert asked == []


def test_a_gpu_machine_uses_the_default_index(
    filled_index: str, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(environment, "CPU_INDEX", filled_index)
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: True)
    environment.install_torch()
    assert asked == []
