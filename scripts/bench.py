"""Measure a Space against its peers or a floor, side by side in one run.

    python scripts/bench.py attention            # everything, minutes
    python scripts/bench.py attention --quick    # small sizes, to see that it runs

Every figure is the median of several runs on this machine; ratios are what to quote.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run ``bench/<space>.py`` and print its lines; the exit status tells whether all targets were met."""
    benches = sorted(path.stem for path in (Path(__file__).parent / "bench").glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=benches)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    sys.path.append(str(ROOT / "spaces" / arguments.space))
    missed = 0
    for line in importlib.import_module(f"bench.{arguments.space}").run(arguments.quick):
        print(line, flush=True)
        missed += "MISSED" in line
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
