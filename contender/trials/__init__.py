"""What came of every execution: its parameters and metrics, kept as a trial component of SageMaker Experiments."""
