"""What runs, in which order: one module per pipeline, each with a `compile(settings, outputs)`."""
