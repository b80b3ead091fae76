"""Groups of volumes: what the parts of this package are to volumes, for groups and their snapshots."""
