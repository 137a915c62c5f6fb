"""The noise model: which mistakes recognisers make, measured from their predictions, and drawn again."""
