"""Commands that concern volumes."""
