"""The pages: each reads what it shows, and answers with a template."""
