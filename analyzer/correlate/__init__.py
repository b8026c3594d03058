"""From messages to transactions, calls and registrations. No I/O, no wall clock."""
