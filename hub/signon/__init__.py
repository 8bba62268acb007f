"""Sign-on of people: what happens when somebody comes from a platform, leaves, or is let in."""
