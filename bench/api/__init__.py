"""The Block Storage API of one or several services, measured as their clients see it."""
