"""GS1 Digital Links resolved (GS1-Conformant Resolver Standard 1.2; RFC 9264).

Vocabulary: a *link* is a value of a record: where something about the thing is, of which *link type* (``gs1:pip``,
product information), in which language and media type. A *linkset* is all of them, of the thing and of what it is an
instance of: from a serial number up to the product. The *default link* is where who asks for nothing else is sent.
"""

from millwright.identity.digital_link.links import LINK_TYPE, Link, link_value, read_links

__all__ = ["LINK_TYPE", "Link", "link_value", "read_links"]
