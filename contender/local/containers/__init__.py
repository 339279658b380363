"""What runs inside a job's or an endpoint's process: stand-ins for AWS's images, each started by its module's name."""
