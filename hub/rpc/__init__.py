"""The gRPC edge: who is calling, thin servicers, one table from errors to statuses."""
