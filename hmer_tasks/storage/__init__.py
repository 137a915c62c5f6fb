"""Folders, archives and URLs behind one interface.

`files.py` reads a corpus wherever it lies; `store.py` writes a build wherever it goes.
"""
