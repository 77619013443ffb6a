"""Training: what is taught when, the loop, what it writes and how it goes on after an interruption."""
