"""Self-contained HTML pages: what the page of an evaluation and the page of a build share."""
