"""`python -m agentmail_server` is the command `agentmail-server`."""

from agentmail_server.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
