"""The scheduler's side of operations, one file per verb."""
