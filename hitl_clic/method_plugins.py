"""Settings classes of the methods that other packages offer. Main thread, at the start of a process.

The entry point of a method names its settings class, a `MethodSettings` whose class attribute `method` names the code
as "module:object". So the settings are read without the code, which imports torch.
"""

from __future__ import annotations

from functools import cache

from hitl_clic.clic.settings import MethodSettings
from hitl_clic.plugins import plugins
from hitl_clic.types.errors import UserError
from hitl_clic.types.named_object import load_object


@cache
def settings_classes() -> dict[str, type[MethodSettings]]:
    """By kind. One that cannot be used is left out; `problems` says why."""
    return {kind: found for kind in plugins("methods") if isinstance(found := _read(kind), type)}


@cache
def problems() -> dict[str, str]:
    """Why a method cannot be used, by its kind."""
    return {kind: found for kind in plugins("methods") if isinstance(found := _read(kind), str)}


@cache
def _read(kind: str) -> type[MethodSettings] | str:
    path = plugins("methods")[kind].path
    try:
        found = load_object(path, f"the method {kind}")
    except UserError as problem:
        return str(problem)
    if not (isinstance(found, type) and issubclass(found, MethodSettings)):
        return f"{path} is no class of hitl_clic.clic.settings.MethodSettings"
    if found.model_fields["kind"].default != kind:
        return f"{path}: its field kind must have the default {kind!r}, as the entry point"
    if ":" not in str(getattr(found, "method", "")):
        return f"{path}: its class attribute method must name the Method, as my_package.code:METHOD"
    return found
