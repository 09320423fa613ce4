"""Measure a Space against its peers or a floor, side by side in one run.

    python scripts/bench.py attention            # everything, minutes
    python scripts/bench.py attention --quick    # small sizes, once each, to see that it runs; targets do not count

Figures are medians of several runs on this machine; the ratios are what to quote. Ends with 1 if a target is missed.
"""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported; started servers inherit it

ROOT = Path(__file__).resolve().parents[1]


def machine() -> str:
    """What the figures depend on beside the code."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores{load}, Python {platform.python_version()}"


def main() -> None:
    """Run ``benches/<space>.py`` and print its lines."""
    spaces = [path.parent.name for path in sorted((ROOT / "spaces").glob("*/app.py"))]
    benches = [space for space in spaces if (ROOT / "scripts/benches" / f"{space}.py").is_file()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=benches)
    parser.add_argument("--quick", action="store_true", help="small sizes, once each")
    arguments = parser.parse_args()
    sys.path.append(str(ROOT / "spaces" / arguments.space))  # a bench may call its Space's modules
    print(machine(), flush=True)
    missed = 0
    for line in importlib.import_module(f"benches.{arguments.space}").run(arguments.quick):
        print(line, flush=True)
        missed += line.endswith("MISSED")
    print(machine(), flush=True)
    sys.exit(1 if missed and not arguments.quick else 0)


if __name__ == "__main__":
    main()
