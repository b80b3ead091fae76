"""Settings, one module per environment: base, development, testing, production."""
