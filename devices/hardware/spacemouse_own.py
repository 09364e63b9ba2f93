"""3D mice that a user adds to the table: a TOML file of one's own, `own_file()`.

Read at the start of a session and each time a device is looked for. An entry with the ids of a known model replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hitl_clic import presets
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Bits, Model

Ids = tuple[int, int]
_BUTTON_BYTES = 64
"""A report has at most this many bytes."""


class OwnModel(BaseModel):
    """One table `[[model]]` of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1, description="Display name.")
    vendor: int = Field(ge=0, le=0xFFFF, description="USB vendor id, as 0x256f.")
    product: int = Field(ge=0, le=0xFFFF, description="USB product id, as 0xc62e.")
    like: str = Field("", description="Name of a known model with the same reports and buttons.")
    combined: bool | None = Field(
        None, description="Report 1 holds all six axes (13 bytes). Otherwise reports 1 and 2 hold three each."
    )
    receiver: bool | None = Field(None, description="A wireless receiver, which stays connected without its mouse.")
    buttons: dict[str, list[int]] | None = Field(None, description="Button name to [byte, bit] in report 3.")

    @field_validator("buttons")
    @classmethod
    def _positions(cls, buttons: dict[str, list[int]] | None) -> dict[str, list[int]] | None:
        for name, place in (buttons or {}).items():
            if len(place) != 2 or not (1 <= place[0] < _BUTTON_BYTES and 0 <= place[1] <= 7):
                raise ValueError(f"{name!r} is at {place}; write [byte, bit], byte 1 or more, bit 0 to 7")
            if "+" in name or name.endswith(" long") or not name:
                raise ValueError(f"{name!r} is no name of a button: + and ' long' have a meaning in a profile")
        return buttons

    @model_validator(mode="after")
    def _complete(self) -> OwnModel:
        names = sorted({model.name for model in MODELS.values()})
        if self.like and self.like not in names:
            raise ValueError(f"like = {self.like!r} is not known; known are {', '.join(names)}")
        if not self.like and (self.combined is None or self.buttons is None):
            raise ValueError("give like, or both combined and buttons")
        return self

    def model(self) -> Model:
        """The entry of the table."""
        like = next((model for model in MODELS.values() if model.name == self.like), Model(self.name, False, {}))
        bits: Bits = (
            like.buttons if self.buttons is None else {name: (at[0], at[1]) for name, at in self.buttons.items()}
        )
        return Model(
            self.name,
            like.combined if self.combined is None else self.combined,
            bits,
            like.receiver if self.receiver is None else self.receiver,
        )


def own_file() -> Path:
    """The user's file, in a folder that holds no profiles."""
    return presets.user_folder() / "devices" / "spacemouse" / "models.toml"


def known_models() -> Mapping[Ids, Model]:
    """All models by (vendor id, product id), in search order; the user's first.

    Raises:
        ValueError: the user's file is wrong; names file, entry, field and fault.
    """
    path = own_file()
    if not path.exists():
        return MODELS
    own = _own(path)
    return own | {ids: model for ids, model in MODELS.items() if ids not in own}


def _own(path: Path) -> dict[Ids, Model]:
    content: dict[str, Any] = presets.read_toml(path)
    entries = content.pop("model", [])
    if content or not isinstance(entries, list):
        wrong = next(iter(content), "model")
        raise ValueError(f"{path}: {wrong!r} is not known here; write one table [[model]] for each 3D mouse")
    found: dict[Ids, Model] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path}: model {number}"
        try:
            own = OwnModel.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "model"
            raise ValueError(f"{where}: {field}: {first['msg']}") from error
        ids = own.vendor, own.product
        if ids in found:
            raise ValueError(f"{where}: {own.vendor:04x}:{own.product:04x} is given twice")
        found[ids] = own.model()
    return found
