"""What is exchanged, and where it rests: records, tables and the functions that read and write them.

Knows nobody: neither protobuf nor the hub. Every function takes a session and never commits.
"""
