"""Champion/challenger MLOps on Amazon SageMaker: the machinery that `pipelines/` and `steps/` rely on."""

__version__ = "0.1.0"
