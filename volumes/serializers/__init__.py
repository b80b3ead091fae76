"""The shapes of requests and answers about volumes, one module per noun."""
