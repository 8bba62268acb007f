"""Step 3: parcels go out, one dispatcher a destination, and what is due to us elsewhere is fetched."""
