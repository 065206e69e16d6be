"""httpx without its command line, whose libraries would take longer to import than httpx itself."""

from __future__ import annotations

import sys

_COMMAND_LINE = "click"

if "httpx" in sys.modules or _COMMAND_LINE in sys.modules:
    import httpx as httpx
else:
    # Python's way to say that a module is not there; httpx then does without.
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    try:
        import httpx as httpx
    finally:
        del sys.modules[_COMMAND_LINE]
