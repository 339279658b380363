"""Start and stop the processes that stand in for AWS on this machine."""
