"""Warm processes: forked from one that has imported the heavy libraries already."""
