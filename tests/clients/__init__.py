"""The clients that people have, unmodified, against one fleet."""
