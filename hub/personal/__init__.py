"""Personal data of a hub: keeping it sealed, showing it, forgetting it."""
