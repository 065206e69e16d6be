"""Mail server for AI-agent inboxes: SMTP in and out, and Commune's REST API, in one process."""
