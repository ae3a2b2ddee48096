"""Drills with the register of a node: copies of it as processes of their own, loss, recovery, and what that took."""
