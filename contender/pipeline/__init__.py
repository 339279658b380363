"""The project's pipelines: compiled, checked, compared with what is deployed, deployed."""
