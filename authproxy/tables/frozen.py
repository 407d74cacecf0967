"""Tables of settings: frozen, with a default for most values, checked by pydantic.

pydantic is imported when something is checked, and not before: a process that is handed settings
which were read and checked elsewhere does without it, and without the memory that it takes. A table
holds only what was given; everything else is its class's.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, dataclass_transform

from authproxy.tables.field import REQUIRED, Field, FieldInfo

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Frozen:
    """Base of every table of settings: frozen, and without unknown keys.

    Its methods have the names that pydantic's models have for the same.
    """

    model_fields: ClassVar[Mapping[str, FieldInfo]] = {}

    def __init_subclass__(cls) -> None:
        found = {}
        for name, annotation in inspect.get_annotations(cls).items():
            given = cls.__dict__.get(name, REQUIRED)
            field = given if isinstance(given, FieldInfo) else Field(given)
            found[name] = FieldInfo(
                annotation=annotation, default=field.default, bounds=field.bounds
            )
            if not field.is_required:
                setattr(cls, name, field.default)
            elif name in cls.__dict__:
                delattr(cls, name)
        cls.model_fields = found

    def __init__(self, **given: Any) -> None:
        """Raises ValidationError."""
        if given or any(field.is_required for field in self.model_fields.values()):
            given = vars(self.model_validate(given))
        vars(self).update(given)

    @classmethod
    def model_construct(cls, **given: Any) -> Self:
        """Of values that need no check."""
        made = cls.__new__(cls)
        vars(made).update(given)
        return made

    @classmethod
    def model_validate(cls, given: object) -> Self:
        """Raises ValidationError with everything that is wrong."""
        table: object = cls
        made: Self = _adapter(table).validate_python(given)
        return made

    def model_copy(self, *, update: Mapping[str, object]) -> Self:
        """The same with some values, which need no check, in place of others."""
        return self.model_construct(**{**vars(self), **update})

    @property
    def model_fields_set(self) -> set[str]:
        """Names of what was given."""
        return {*vars(self)}

    @classmethod
    def complete(cls, given: Any) -> Any:
        """What was given, with what follows from that."""
        return given

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        from pydantic_core import core_schema

        def made(given: Any, check: Callable[[Any], dict[str, Any]]) -> Frozen:
            if isinstance(given, cls):
                return given
            return cls.model_construct(**check(cls.complete(given)))

        fields = {
            name: core_schema.typed_dict_field(
                handler.generate_schema(field.checked()), required=field.is_required
            )
            for name, field in cls.model_fields.items()
        }
        # A table in a table has no other's.
        config = core_schema.CoreConfig(title=cls.__name__, allow_inf_nan=False)
        table = core_schema.typed_dict_schema(fields, extra_behavior="forbid", config=config)
        return core_schema.no_info_wrap_validator_function(made, table)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.model_fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.model_fields))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.model_fields)
        return f"{type(self).__name__}({', '.join(shown)})"


@cache
def _adapter(table: Any) -> "TypeAdapter[Any]":
    """Of a class of tables."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(table, config=ConfigDict(arbitrary_types_allowed=True))
