"""The conformance kit: what a vendor, or a city before go-live, runs against a platform or a hub."""
