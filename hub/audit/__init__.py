"""The audit log's keeping: checkpoints, neighbours' signatures on them, exports that verify elsewhere."""
