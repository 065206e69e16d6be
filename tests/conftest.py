"""What holds for every test: search by meaning only where a test asks for it."""

from __future__ import annotations

import os

# Servers under test would each load a model, or fetch it.
os.environ.setdefault("AGENTMAIL_EMBEDDER", "none")
