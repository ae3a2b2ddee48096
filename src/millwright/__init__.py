"""Millwright (百工): the open-source industrial internet platform in one package."""

__version__ = "0.1.0"
