"""SageMaker's wire API, driven by botocore's own service model."""
