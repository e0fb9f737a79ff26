"""Pulumi from the Go module proxy: where only package registries can be reached (docs/toolchain.md)."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from groundplan.tools.golang import ensure_go
from groundplan.tools.run import run
from groundplan.tools.versions import LANGUAGE_HOST

ENGINE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
HOST = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
SDK = "github.com/pulumi/pulumi/sdk/v3"
#: Scripts that the language host looks for beside itself; they lie in the SDK's module.
HELPERS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def build(version: str, folder: Path, scratch: Path, log: Path) -> None:
    """Build engine and Python host into ``folder``; :class:`groundplan.errors.ToolError` names ``log`` on failure."""
    go = ensure_go()
    env = go.environment(scratch)
    _program(go.program, ENGINE, version, folder / "pulumi", scratch / "engine", env, log)
    _program(go.program, HOST, LANGUAGE_HOST, folder / "pulumi-language-python", scratch / "host", env, log)
    _helpers(go.program, version, folder, scratch / "engine", env, log)


def _program(
    go: Path, package: str, version: str, target: Path, module: Path, env: Mapping[str, str], log: Path
) -> None:
    # A throw-away module: `go install path@version` of a nested package fails on proxies that refuse non-modules.
    module.mkdir(parents=True)
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"
    run([str(go), "mod", "init", "throwaway"], module, env, log)
    run([str(go), "get", f"{package}@v{version}"], module, env, log)
    run([str(go), "build", "-o", str(target), "-ldflags", flags, package], module, env, log)


def _helpers(go: Path, version: str, folder: Path, module: Path, env: Mapping[str, str], log: Path) -> None:
    found = json.loads(run([str(go), "mod", "download", "-json", f"{SDK}@v{version}"], module, env, log))
    for helper in HELPERS:
        target = folder / Path(helper).name
        shutil.copyfile(Path(found["Dir"]) / helper, target)
        target.chmod(0o755)
