"""Batch scoring: raw rows in, the same rows with a probability out."""
