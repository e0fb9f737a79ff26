"""Pulumi from the Go module proxy: where only package registries can be reached (docs/toolchain.md)."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from groundplan.tools.golang import Source, compile_program, ensure_go
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
    for package, wanted, name in ((ENGINE, version, "pulumi"), (HOST, LANGUAGE_HOST, "pulumi-language-python")):
        flags = f"-X {SDK}/go/common/version.Version={wanted}"
        source = Source(package, wanted, flags)
        compile_program(go, source, folder / name, scratch / name, log, env)
    _helpers(go.program, version, folder, scratch / "pulumi", env, log)


def _helpers(go: Path, version: str, folder: Path, module: Path, env: Mapping[str, str], log: Path) -> None:
    found = json.loads(run([str(go), "mod", "download", "-json", f"{SDK}@v{version}"], module, env, log))
    for helper in HELPERS:
        target = folder / Path(helper).name
        shutil.copyfile(Path(found["Dir"]) / helper, target)
        target.chmod(0o755)
