"""Pulumi's Terraform bridge, built from the Go module proxy: what lets the real terraform-provider-aws judge us."""

import json
import os
import tempfile
from pathlib import Path

from groundplan.tools.cache import cache_root, locked
from groundplan.tools.golang import ensure_go
from groundplan.tools.progress import size_of, step
from groundplan.tools.run import run

MODULE = "github.com/pulumi/pulumi-terraform-bridge/v3"
VERSION = "3.136.0"
#: Where Terraform's file-system mirror lies on machines that have one.
MIRRORS = (Path("/opt/tf-plugins"), Path.home() / ".terraform.d/plugins", Path("/usr/share/terraform/plugins"))


def ensure_bridge() -> Path:
    """The bridge's program, built into the cache when it is not there (3 minutes). ToolError names the log."""
    program = cache_root() / "terraform-bridge" / VERSION / "pulumi-resource-terraform-provider"
    with locked(program.parent, "Pulumi's Terraform bridge"):
        if not os.access(program, os.X_OK):
            program.parent.mkdir(parents=True, exist_ok=True)
            _build(program)
    return program


def find_provider() -> Path | None:
    """The newest terraform-provider-aws of this machine's Terraform mirror (``$TF_PLUGIN_DIR`` first), or None."""
    own = os.environ.get("TF_PLUGIN_DIR")
    for mirror in ((Path(own),) if own else ()) + MIRRORS:
        found = sorted(mirror.rglob("terraform-provider-aws*")) if mirror.is_dir() else []
        programs = [path for path in found if path.is_file() and os.access(path, os.X_OK)]
        if programs:
            return programs[-1]
    return None


def _build(program: Path) -> None:
    go = ensure_go()
    log = program.parent / "build.log"
    with tempfile.TemporaryDirectory(prefix=".bridge-", dir=program.parent, ignore_cleanup_errors=True) as name:
        module = Path(name)
        env = go.environment(module)

        def do(*arguments: str) -> str:
            return run([str(go.program), *arguments], module, env, log)

        with step(f"building Pulumi's Terraform bridge {VERSION} (about 3 minutes)", lambda: size_of(module)):
            do("mod", "init", "throwaway")
            for replaced, by in _replacements(do("mod", "download", "-json", f"{MODULE}@v{VERSION}")):
                do("mod", "edit", f"-replace={replaced}={by}")
            do("get", f"{MODULE}/dynamic@v{VERSION}")
            do("build", "-ldflags", "-s -w", "-o", str(module / "made"), f"{MODULE}/dynamic")
        # Renamed when whole: a killed build leaves no half program.
        (module / "made").rename(program)


def _replacements(downloaded: str) -> list[tuple[str, str]]:
    """The ``replace`` lines of the bridge's own go.mod, which count only in a main module."""
    lines = Path(json.loads(downloaded)["GoMod"]).read_text().splitlines()
    replaced = [line.removeprefix("replace ").split(" => ") for line in lines if line.startswith("replace ")]
    return [(old.strip(), "@".join(new.split())) for old, new in replaced if not new.startswith(".")]
