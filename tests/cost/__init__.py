"""`contender cost`."""
