"""Where foreign environments come from, by the word before the colon: gymnasium, robosuite, metaworld, or a module.

Thread that owns the environment. A simulator is imported when one of its environments is made.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import gymnasium

from hitl_clic.types.errors import UserError, unknown
from hitl_clic.types.named_object import in_words, load_object

GYMNASIUM_PACKAGES = ("gymnasium_robotics",)
"""Installed packages whose environments gymnasium knows only after an import."""
Environment = gymnasium.Env[Any, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of environments.

    Attributes:
        make: (name, render mode, options) to a new environment without a time limit.
        names: the names that are known. package: what must be installed. install: how.
    """

    make: Callable[[str, str | None, Mapping[str, Any]], Environment]
    names: Callable[[], Iterable[str]]
    package: str
    install: str


def _gymnasium(name: str, render_mode: str | None, options: Mapping[str, Any]) -> Environment:
    _register_packages()
    try:
        return gymnasium.make(
            name, render_mode=render_mode, disable_env_checker=True, **{"max_episode_steps": -1, **options}
        )
    except gymnasium.error.UnregisteredEnv as error:
        raise UserError(f"task = gymnasium:{name} is not known; {unknown(name, _closest(name))}") from error
    except (gymnasium.error.Error, ImportError) as error:
        raise UserError(f"task = gymnasium:{name} cannot be made: {error}") from error


def _register_packages() -> None:
    for package in GYMNASIUM_PACKAGES:
        if importlib.util.find_spec(package) is not None and package not in sys.modules:
            gymnasium.register_envs(importlib.import_module(package))


def _gymnasium_names() -> list[str]:
    _register_packages()
    return sorted(gymnasium.registry)


def _closest(name: str) -> list[str]:
    """The registered ids that begin alike, all if there are none."""
    start = name.rpartition("-v")[0].lower()[:5] or name.lower()[:5]
    return [known for known in _gymnasium_names() if known.lower().startswith(start)] or _gymnasium_names()[:20]


def _metaworld(name: str, render_mode: str | None, options: Mapping[str, Any]) -> Environment:
    from hitl_clic.tasks.foreign.meta_world import make

    return make(name, render_mode, options)


def _metaworld_names() -> list[str]:
    from hitl_clic.tasks.foreign.meta_world import names

    return names()


def _robosuite(name: str, render_mode: str | None, options: Mapping[str, Any]) -> Environment:
    from hitl_clic.tasks.foreign.suite import SuiteEnv

    return SuiteEnv(name, render_mode, **options)


def _robosuite_names() -> list[str]:
    from hitl_clic.tasks.foreign.suite import names

    return names()


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "gymnasium": Source(_gymnasium, _gymnasium_names, "gymnasium", "pip install gymnasium"),
        "metaworld": Source(_metaworld, _metaworld_names, "metaworld", "pip install 'hitl-clic[hammer]'"),
        "robosuite": Source(_robosuite, _robosuite_names, "robosuite", "pip install 'hitl-clic[arms]'"),
    }
)


def make_environment(path: str, render_mode: str | None = None, options: Mapping[str, Any] | None = None) -> Any:
    """A new environment, or a new `Task` where the class is one.

    Args:
        path: SOURCE:NAME, or module:Class of a class or function that returns an environment.
        options: arguments of the environment's constructor.

    Raises:
        UserError: no such environment, a package is missing, or its constructor failed.
    """
    source, _, name = path.partition(":")
    given = dict(options or {})
    if source not in SOURCES:
        return _called(
            path, load_object(path, "task", tuple(f"{source}:NAME" for source in SOURCES)), render_mode, given
        )
    try:
        return SOURCES[source].make(name, render_mode, given)
    except UserError:
        raise
    except ModuleNotFoundError as problem:
        raise UserError(
            f"task = {path} needs {problem.name}, which is not installed; run: {SOURCES[source].install}"
        ) from problem
    except Exception as problem:  # a simulator may raise anything
        raise UserError(f"task = {path} cannot be made: {in_words(problem)}") from problem


def _called(path: str, make: Any, render_mode: str | None, options: dict[str, Any]) -> Any:
    if not callable(make):
        raise UserError(f"task = {path} is not allowed; allowed: a class, or a function that returns an environment")
    if render_mode is not None:
        options["render_mode"] = render_mode
    try:
        made = make(**options)
    except UserError:
        raise
    except Exception as problem:  # a caller's own class may raise anything
        raise UserError(f"task = {path} cannot be made: {in_words(problem)}") from problem
    if not isinstance(made, gymnasium.Env):
        raise UserError(f"task = {path} made a {type(made).__name__}; allowed: a gymnasium.Env or a hitl_clic Task")
    return made
