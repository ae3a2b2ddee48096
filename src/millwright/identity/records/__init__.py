"""What is registered, and whose it is."""
