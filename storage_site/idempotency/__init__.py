"""Idempotency keys: what is known of a request for a day, so that its repetition is not carried out again."""
