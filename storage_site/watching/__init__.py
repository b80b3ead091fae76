"""Watching a deployment: whether it lives, how it does in numbers, and what is wrong with it."""
