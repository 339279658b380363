"""Tests of measurements: what is counted, exactly once, and how an endpoint's settings change."""
