"""Why an API server cannot be asked, in one error."""

from __future__ import annotations

from pytest_prodcheck.errors import TargetError


class ApiProblem(TargetError):
    """No answer that can be used; `code` is the cause code, `status` HTTP's where an answer came."""

    def __init__(self, target: str, message: str, code: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(target, message, code)
        self.remedy, self.status = remedy, status

    def __reduce__(self) -> tuple[type[ApiProblem], tuple[str, str, str, str, int]]:  # type: ignore[override]
        return type(self), (self.target, self.message, self.code, self.remedy, self.status)
