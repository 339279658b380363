"""What is watched of an endpoint, who is told, and what follows."""
