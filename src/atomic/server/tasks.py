"""The microtasks that a server offers: those of the modules and files that `[serve]` names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from atomic.config import Config
from atomic.errors import ConfigError, TaskError
from atomic.records.canonical import content_id
from atomic.records.microtask import Call, Microtask


def tasks_of(config: Config) -> Mapping[str, Microtask[..., Any]]:
    """Microtasks by name. Raises ConfigError for a module that cannot be had, or two tasks of one name."""
    found: dict[str, Microtask[..., Any]] = {}
    for where in config.settings.serve.tasks:
        for value in vars(_module(where, config)).values():
            if isinstance(value, Microtask) and found.setdefault(value.name, value) is not value:
                raise _wrong(config, f"{where}: there are two microtasks {value.name!r}")
    return found


def call_of(task: Microtask[..., Any], given: Any) -> Call[Any]:
    """The call with this input. Raises TaskError."""
    names = list(task.signature.parameters)
    if isinstance(given, Mapping) and (len(names) != 1 or set(given) == set(names)):
        return task(**given)
    if len(names) == 1:
        return task(given)
    raise TaskError(f"{task.name}: its input is an object of {', '.join(names)}")


def _module(where: str, config: Config) -> ModuleType:
    if not where.endswith(".py"):
        try:
            return importlib.import_module(where)
        except ImportError as error:
            raise _wrong(config, f"{where}: cannot be imported: {error}") from error
    path = (config.folder / Path(where).expanduser()).resolve()
    name = f"atomic_tasks_{content_id(str(path).encode())[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise _wrong(config, f"{where}: there is no such file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where annotations are looked up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _wrong(config: Config, why: str) -> ConfigError:
    return config.source.wrong([(("serve", "tasks"), why)])
