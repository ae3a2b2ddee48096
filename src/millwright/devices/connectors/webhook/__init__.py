"""Webhooks: others send documents to an address of this node, and their members become properties of devices.

The web role receives (:mod:`.receiving`): it checks the secret of the address, the signature, the replay window and
the delivery id. The host's session reads the document (:mod:`.connector`), as for every other connector; the sender is
told 200 when the values are in ``INTAKE``.

Not checked by the conformance suite: values come when somebody sends them, and not before.
"""
