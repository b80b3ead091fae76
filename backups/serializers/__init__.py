"""The shapes of requests and answers about backups, one module per noun."""
