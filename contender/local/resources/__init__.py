"""Things that only exist to be named: models, the registry of model packages, tags."""
