"""What pages show, worked out of what was read: no AWS and no request comes in here."""
