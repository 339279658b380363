"""What pages show, read from AWS in few calls: values that templates only have to lay out."""
