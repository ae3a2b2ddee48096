"""DIDs resolved to their documents (W3C DID Core 1.0; DID Resolution; the HTTP form of DIF's universal resolver)."""
