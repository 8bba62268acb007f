"""What tests stand on: servers, clocks, builders of records, and the plug-ins of the run."""
