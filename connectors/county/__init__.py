"""Leaves towards county platforms: the client they push with, its spool, and a simulator for demonstrations."""
