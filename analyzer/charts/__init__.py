"""Table to figure, one function per chart."""
