"""What backup workers do, and volume workers for them: one module per verb."""
