"""Network and input to result: torch inside, numpy out."""
