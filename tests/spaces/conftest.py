"""Spaces are run from their own folder, which is how they find their siblings."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "spaces" / "attention"))
