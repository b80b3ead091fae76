"""How the pages write times and numbers."""
