"""`python -m agentmail_tui` is the command `agentmail-tui`."""

from agentmail_tui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
