"""What steps write about data and models, as tables and bars that a person can read: a kind of report a file."""
