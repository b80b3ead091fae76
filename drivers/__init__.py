"""The storage side: back-ends, connections to them and backup targets; usable without the rest of the service."""
