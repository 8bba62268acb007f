"""Canaries of this hub: who knows them, sending questions, answering those of neighbours."""
