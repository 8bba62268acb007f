"""The wire contract, with the generated code beside each .proto file."""
