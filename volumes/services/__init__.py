"""Everything that a person may ask for about volumes: the only writers, one module per noun."""
