"""Composition by Hydra: a primary file, its groups and the environment's overrides become one configuration.

Hydra's loader is used without its own ``hydra`` node (which reads the working directory and the environment and costs
six times as much); its version is pinned exactly for that.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.default_element import ResultDefault
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from groundplan.compose.guard import is_plain
from groundplan.compose.yamlfile import MISSING, KeyPath


@dataclass(frozen=True)
class Failure:
    """Why a configuration does not compose. ``option`` is what a defaults list names and nobody has."""

    what: str
    path: KeyPath = ()
    option: str | None = None


@dataclass(frozen=True)
class Composed:
    """The composed values, and which config was put under which package, in order of merging."""

    values: dict[str, Any]
    sources: tuple[tuple[str, str], ...]
    failures: tuple[Failure, ...] = ()


def compose(folders: Sequence[Path], name: str, overrides: Sequence[str]) -> Composed:
    """Compose ``name`` from the folders, the first of which wins. Never raises for what people wrote."""
    version.setbase("1.3")
    Plugins.instance()
    search = ConfigSearchPathImpl()
    for folder in folders:
        search.append("main", f"file://{folder}")
    search.append("schema", "structured://")
    try:
        defaults, config = _hydra(search, name, overrides)
    except MissingConfigException as error:
        return Composed({}, (), (Failure(_first_line(error), option=error.missing_cfg_file),))
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        return Composed({}, (), (Failure(_first_line(error)),))
    sources = tuple((d.config_path, d.package or "") for d in defaults if d.config_path is not None)
    return _resolved(config, sources)


def _hydra(search: ConfigSearchPathImpl, name: str, overrides: Sequence[str]) -> tuple[list[ResultDefault], DictConfig]:
    loader = ConfigLoaderImpl(search)
    with warnings.catch_warnings():
        # Without `_self_` a file's own values come last: Hydra would rather be told.
        warnings.simplefilter("ignore", UserWarning)
        parsed, repo = loader._parse_overrides_and_create_caching_repo(name, list(overrides))
        defaults = create_defaults_list(repo, name, parsed, prepend_hydra=False, skip_missing=False).defaults
        return defaults, loader._compose_config_from_defaults_list(defaults, repo)


def _resolved(config: DictConfig, sources: tuple[tuple[str, str], ...]) -> Composed:
    failures: list[Failure] = []
    raw = OmegaConf.to_container(config, resolve=False)
    values = _resolve(config, raw, (), failures)
    return Composed(values, sources, tuple(failures))


def _resolve(node: Any, raw: Any, path: KeyPath, failures: list[Failure]) -> Any:
    if isinstance(raw, dict):
        return {str(key): _resolve_child(node, key, raw[key], (*path, str(key)), failures) for key in raw}
    if isinstance(raw, list):
        return [_resolve_child(node, index, item, (*path, index), failures) for index, item in enumerate(raw)]
    return raw


def _resolve_child(node: Any, key: Any, raw: Any, path: KeyPath, failures: list[Failure]) -> Any:
    if isinstance(raw, dict | list):
        return _resolve(node[key], raw, path, failures)
    if not isinstance(raw, str) or "${" not in raw:
        return raw
    if not is_plain(raw):
        # Looked at again after merging: what is resolved here is exactly what was judged.
        failures.append(Failure("this interpolation is not allowed", path))
        return MISSING
    try:
        found = node[key]
        return OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
    except OmegaConfBaseException as error:
        failures.append(Failure(_first_line(error), path))
        return MISSING


def _first_line(error: Exception) -> str:
    cause = error.__cause__ if error.__cause__ is not None and not str(error).strip() else error
    return next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
