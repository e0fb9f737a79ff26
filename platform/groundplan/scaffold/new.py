"""A new project from the template, and its line in a stack."""

import io
import os
import re
import shutil
import tempfile
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from groundplan.errors import Problem, SpecError
from groundplan.spec import MEANING, NAME_PATTERN

TEMPLATE = Path(__file__).parent / "template"
_NAME = "__NAME__"


def new_project(root: Path, name: str) -> Path:
    """Write ``projects/<name>`` and return its folder: whole, or not at all.

    SpecError when the name is no name, or the folder is already there.
    """
    folder = root / "projects" / name
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > 40:
        raise SpecError([Problem("projects", None, "", "is no name of a project", name, MEANING[NAME_PATTERN])])
    if folder.exists():
        fix = "choose another name, or remove the folder"
        raise SpecError([Problem(f"projects/{name}", None, "", "is already there", name, fix=fix)])
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as draft:
        made = Path(draft) / name
        shutil.copytree(TEMPLATE, made)
        for path in (p for p in made.rglob("*.yaml")):
            path.write_text(path.read_text(encoding="utf-8").replace(_NAME, name), encoding="utf-8")
        os.rename(made, folder)
    return folder


def add_to_stack(root: Path, env: str, name: str) -> bool:
    """Add a project to ``stacks/<env>.yaml``, keeping its comments; return whether it was not there yet.

    SpecError when there is no such environment.
    """
    path = root / "stacks" / f"{env}.yaml"
    if not path.is_file():
        raise SpecError([Problem(f"stacks/{env}.yaml", None, "", "unknown environment", env)])
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path.read_text(encoding="utf-8"))
    projects = document.setdefault("projects", CommentedSeq())
    if name in projects:
        return False
    if not projects:
        projects.fa.set_flow_style()
    projects.append(name)
    text = io.StringIO()
    yaml.dump(document, text)
    path.write_text(text.getvalue(), encoding="utf-8")
    return True
