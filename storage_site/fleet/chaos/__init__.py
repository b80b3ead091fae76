"""Chaos: volumes go through their whole life while the processes that serve them are killed, and nothing is lost."""
