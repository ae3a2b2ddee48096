"""The page about an identifier, ``/id/…``: for a person with a phone in the hand, and as JSON for a program."""
