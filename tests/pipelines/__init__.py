"""Tests of the compiled pipelines."""
