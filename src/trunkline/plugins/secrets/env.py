"""`env:NAME`: a variable of the environment that the supervisor was started with.

Not for: values that change while Trunkline runs; a process cannot be given new variables (use `file:` or `store:`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.plugins.secrets import SecretUnavailable


class Env:
    """Reads variables from a mapping, in the product `os.environ`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def fetch(self, rest: str) -> str:
        value = self._environ.get(rest, "").strip()
        if not value:
            state = (
                "is empty"
                if rest in self._environ
                else "is not set in the environment Trunkline was started with"
            )
            cure = f"Set {rest} and start Trunkline again, or use `store:` (`trunkline secrets set {rest}`) or `file:`."
            raise SecretUnavailable(f"env:{rest}", f"the variable {rest} {state}", cure)
        return value

    def stamp(self, rest: str) -> object:
        return hash(self._environ.get(rest))

    def version(self, rest: str) -> str:
        return ""
