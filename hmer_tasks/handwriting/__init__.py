"""Handwriting: ink read from InkML, strokes drawn as pictures, and the pen that writes labels by hand."""
