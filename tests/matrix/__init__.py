"""The fault matrix: every kind of work, interrupted at every place, by everything that can happen there."""
