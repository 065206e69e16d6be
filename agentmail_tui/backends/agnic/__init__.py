"""The backend for servers with Agnic's API; what it does not keep is kept on this computer."""
