"""A label laid out in print, without TeX: box F1 measures the boxes, pages draw them."""
