"""Signed records: HS_SIGNATURE and HS_CERT, and the chain up to a key that is trusted (Handle.Net 9, "trust").

Vocabulary: a *signature* (HS_SIGNATURE) has the digests of a handle's values and names its *issuer*, a key of a handle.
A *certificate* (HS_CERT) says which key an issuer has and over which handles it may sign; it is signed by another
issuer, and so on up to a *root*, whose key one has by another way.

Invariants: nothing is trusted because of where it came from; a chain is looked through in bounded steps; whatever is
malformed makes a record less trusted and never raises beyond this room.
"""
