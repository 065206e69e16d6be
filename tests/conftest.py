"""What holds for every test: search by meaning only where asked for, and no haste."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Servers under test would each load a model, or fetch it.
os.environ.setdefault("AGENTMAIL_EMBEDDER", "none")

# How fast a machine is says nothing about the code; Hypothesis itself takes its own profile in CI.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    settings.load_profile("steady")
