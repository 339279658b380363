"""Tests of the steps: the scripts alone, in the order the pipeline runs them."""
