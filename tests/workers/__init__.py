"""Tests of real worker processes on real brokers, without the web."""
