"""How each step of the pipeline is built; beside it, where it has one, the script that runs in its container."""
