"""A hand that writes: stroke forms, the layout of a formula, writers, the pen, and paper."""
