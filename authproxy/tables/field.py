"""Fields of a table: how a value is checked, its default, its bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

REQUIRED: Any = ...
"""In the place of a default."""
BOUNDS = ("gt", "ge", "le", "min_length")


@dataclass(frozen=True, slots=True)
class Before:
    """Runs before a value is taken for its type. `run` raises ValueError with what is wrong."""

    run: Callable[[Any], object]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        from pydantic_core.core_schema import no_info_before_validator_function

        return no_info_before_validator_function(self.run, handler(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """One value of a table."""

    annotation: Any = None
    default: Any = REQUIRED
    bounds: Mapping[str, float]
    """By the names in BOUNDS."""

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED

    def checked(self) -> Any:
        """The annotation that pydantic is to check by."""
        if not self.bounds:
            return self.annotation
        from pydantic import Field

        bounds: Any = self.bounds
        return Annotated[self.annotation, Field(**bounds)]


def Field(default: Any = REQUIRED, **bounds: float) -> Any:  # noqa: N802 -- as in pydantic
    """A value's default and BOUNDS."""
    return FieldInfo(default=default, bounds=bounds)
