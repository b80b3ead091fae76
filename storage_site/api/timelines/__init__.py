"""Timelines: what happened to a resource, what it waits for, and what can be done."""
