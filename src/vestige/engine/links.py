"""Links that the engine draws itself: what is similar, of the same file or of the same session."""

from __future__ import annotations

from typing import Final

SIMILAR: Final = "similar"
SAME_FILE: Final = "same_file"
SAME_SESSION: Final = "same_session"
# Drawn without being asked for, so they may be removed in the same way.
OWN_TYPES: Final = (SIMILAR, SAME_FILE, SAME_SESSION)

SIMILAR_MAX: Final = 5  # links of a memory to those that say nearly the same
NEIGHBORS_MAX: Final = 3  # links of a memory to those of its file, and to those of its session
SAME_FILE_WEIGHT: Final = 0.5
SAME_SESSION_WEIGHT: Final = 0.3
