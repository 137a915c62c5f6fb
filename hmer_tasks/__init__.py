"""Handwritten-mathematics corpora into proven training rows for vision-language models."""
