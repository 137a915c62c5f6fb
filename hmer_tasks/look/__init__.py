"""What a person looks at: tables of checked labels, trees, rows with their pictures."""
