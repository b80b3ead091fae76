"""The tests: unit mirrors the tree, contracts run one suite on every driver, journeys drive real processes."""
