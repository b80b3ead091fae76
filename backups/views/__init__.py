"""HTTP in, one call of a service, HTTP out: one module per noun."""
