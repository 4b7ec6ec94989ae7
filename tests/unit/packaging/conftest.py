"""Makes the bootstrap's modules importable here, as running the script does."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGING = Path(__file__).parents[3] / "packaging"
sys.path.append(str(PACKAGING))
