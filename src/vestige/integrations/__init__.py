"""Memories as the stores of other frameworks; each of these is an extra."""
