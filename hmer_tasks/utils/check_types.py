"""Wrong types named in one line, where a stranger's mistake would else end deep inside the parser."""


def require_type(value: object, kind: type, name: str) -> None:
    """Check the type of an argument of a public function.

    Args:
        value: the argument.
        kind: the type that it must have.
        name: what the argument is called.

    Raises:
        TypeError: it has another type; the message says which is wanted.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
