"""Where a volume goes: the back-ends' reports, the choice among them, the scheduler's queue."""
