"""Jobs: processing, training, tuning and batch transform, run in warm processes."""
