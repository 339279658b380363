"""What forms do, an action a file: it acts, and tells in sentences what was done."""
