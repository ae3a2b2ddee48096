from support.postgres import postgres, records

__all__ = ["postgres", "records"]
