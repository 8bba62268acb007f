"""The REST edge: signed JSON over TLS for platforms that cannot speak gRPC; the same use cases behind it."""
