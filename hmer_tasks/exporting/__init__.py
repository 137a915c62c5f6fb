"""A finished build in the forms that people already use: of trainers, the authors' layout, the Hub."""
