"""What is kept: one module per table."""
