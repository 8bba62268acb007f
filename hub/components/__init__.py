"""Components for people and programs: reading them, maps of them, the grids they stand in, who answers for them."""
