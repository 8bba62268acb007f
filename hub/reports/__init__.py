"""Reports and letters for people (通报, 考评结果, 交办函): what stands in them, their files, and what keeps them."""
