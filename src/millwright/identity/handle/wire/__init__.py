"""The protocol as bytes: messages, their bodies and credentials, UDP packets put together."""
