"""A realistic mailbox in a throw-away folder, brought in through real SMTP."""
