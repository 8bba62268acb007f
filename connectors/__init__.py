"""How neighbours are reached: transports, mappings and the conversion between wire messages and records."""
