"""Ways to reach a neighbour; none of them knows a particular platform."""
