"""Reading fields out of mail by rules: nothing is guessed, every value stands in the text."""
