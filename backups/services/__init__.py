"""Everything that a person may ask for about backups: the only writers, one module per noun."""
