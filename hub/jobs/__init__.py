"""What a hub does by itself from time to time."""
