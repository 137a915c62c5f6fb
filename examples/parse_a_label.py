"""A label's tree, its text form, its counts, and a refusal with its place.

python examples/parse_a_label.py
"""

from hmer_tasks import LabelError, count_text, parse, parse_tree_text, to_label, tree_text

label = r"\frac 1 { x ^ 2 } = \sum _ { i = 1 } ^ n a _ i"
tree = parse(label)
print(to_label(tree))  # every argument and script in braces
print(tree_text(tree))
print(count_text(to_label(tree)))
assert parse_tree_text(tree_text(tree)) == tree

try:
    parse(r"x _ 1 _ 2")
except LabelError as error:
    print(error)
    print(error.caret())
