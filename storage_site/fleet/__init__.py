"""One machine's fleet: the processes of the Procfile, kept running together on one data directory."""
