"""The hub: a server that speaks the protocol of the national axis."""
