"""The `contender` command: one module per noun, loaded when its noun is used."""
