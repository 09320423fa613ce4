"""Spaces are run from their own folder, which is how they find their siblings."""

import sys
from pathlib import Path

sys.path.extend(str(app.parent) for app in sorted(Path(__file__).parents[2].glob("spaces/*/app.py")))
