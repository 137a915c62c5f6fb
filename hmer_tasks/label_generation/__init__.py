"""New labels: random expressions, and the statistics of a label file that they can be drawn after."""
