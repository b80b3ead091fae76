"""The work of volume workers, one module per verb."""
