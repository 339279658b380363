"""Executions of the pipelines: started once per dimension, listed, watched, and read to their last line."""
