"""The backend for servers with Commune's API: the hosted one, and the one that comes with us."""
