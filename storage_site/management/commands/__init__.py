"""The commands of the fleet: up, down, demo, procfile, test."""
