"""The Lambda functions: each reads its event, calls the machinery, answers and prints one line."""
