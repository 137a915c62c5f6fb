"""Where wrong expressions come from, and how a mistake is marked and corrected."""
