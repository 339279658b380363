"""Raw CSV to train, validation and test, and an encoder."""
