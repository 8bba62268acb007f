"""What follows from figures: letters about frequent problems, and lists of cases somebody must look at."""
