"""Words that the console's templates know."""
