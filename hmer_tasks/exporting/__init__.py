"""A finished build in the forms that people already use: LLaMA-Factory, the authors' layout, the Hub."""
