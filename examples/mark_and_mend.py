"""A recogniser's mistake, marked and mended: the two error tasks in four lines.

python examples/mark_and_mend.py
"""

from hmer_tasks import apply_corrections, mark_errors

label = r"\frac { a } { b } + 1"
read_as = r"\frac { d } { b } 1"
marked, log = mark_errors(read_as, label)
print(marked)
print(log)
assert apply_corrections(marked, log) == label
