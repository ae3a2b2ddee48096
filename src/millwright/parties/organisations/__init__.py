"""Organisations: a tree from the province down to the department; who belongs to them."""
