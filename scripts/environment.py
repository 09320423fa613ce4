"""Create .venv and install the tested set of packages into it; ``make`` calls this, nobody else needs to.

    python3 scripts/environment.py            # what the Spaces need
    python3 scripts/environment.py test       # and what the tests, the training scripts and the benchmarks need

Needs nothing but the standard library. On Linux without an NVIDIA GPU, torch comes from PyTorch's own CPU index where
that can be reached: 200 MB instead of gigabytes of CUDA.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 10


def works(python: Path) -> bool:
    """Whether ``python`` is an interpreter that has pip."""
    if not python.exists():
        return False
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


def create() -> None:
    """Create the virtual environment anew unless a working one is there."""
    if works(PYTHON):
        return
    if subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT]).returncode:
        sys.exit("This Python cannot create virtual environments; install its venv package (Debian: python3-venv).")


def pip(*arguments: str) -> bool:
    """Run pip inside the environment; whether it succeeded."""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, cwd=ROOT).returncode == 0


def reachable(index: str) -> bool:
    """Whether pip finds torch in ``index`` within ``PROBE_SECONDS``, all addresses of the host together.

    Asked through pip itself, so that its proxies and certificates count; the limit bounds the whole question, because
    pip's own time-out holds for each address alone.
    """
    command = [PYTHON, "-m", "pip", "index", "versions", "torch", "--index-url", index, "--retries", "0"]
    try:
        return subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def has_nvidia_gpu() -> bool:
    """Whether a driver for NVIDIA GPUs is installed."""
    return bool(shutil.which("nvidia-smi")) or Path("/proc/driver/nvidia/version").exists()


def install_torch() -> None:
    """Install torch alone from the CPU index where that saves the CUDA packages; the default index serves the rest."""
    if not sys.platform.startswith("linux") or has_nvidia_gpu():
        return
    torch = re.findall(r"(?m)^torch==\S+", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    options = ["--index-url", CPU_INDEX, "--retries", "0", "--timeout", "15"]
    if not (reachable(CPU_INDEX) and pip("install", "--no-deps", *options, *torch)):
        print("PyTorch's CPU index cannot be reached: taking torch from the default index.", flush=True)


def main() -> None:
    """Bring the environment to the state that pyproject.toml and constraints.txt describe."""
    tests = "test" in sys.argv[1:]
    create()
    install_torch()
    if not pip("install", "-c", "constraints.txt", "-e", ".[test]" if tests else "."):
        sys.exit("The packages could not be installed: check the network connection and run the command again.")
    (ENVIRONMENT / "ready-to-run").touch()
    if tests:
        (ENVIRONMENT / "ready-to-test").touch()


if __name__ == "__main__":
    main()
