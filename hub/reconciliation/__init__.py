"""Comparing links: marking what goes over them, answering the other side, drilling, repairing, the figures of a day."""
