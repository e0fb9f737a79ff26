"""The platform's own images without Docker: what ``images/Dockerfile`` says, step by step, from this machine's files.

Its base, a Python on Debian, is this machine's own Python with what it needs of the system; the packages are those of
the lock file, the code is the checkout's. Layers that no edit of code changes are kept in the cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from groundplan.images.build import references
from groundplan.images.tags import IMAGES, SOURCES
from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import size_of, step
from tests.support.kube.image import Image, pack
from tests.support.kube.programs import KUBERAY, ensure_programs

USER = 10001
REGISTRY = "groundplan.test"
OPERATOR = f"{REGISTRY}/kuberay:{KUBERAY}"
VENV, CODE, PYTHON = "opt/groundplan/venv", "opt/groundplan/code", "usr/local"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
ENVIRONMENT = {
    "PATH": f"/{VENV}/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH": f"/{CODE}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/tmp",
    "LC_ALL": "C.UTF-8",
}
#: The shell, in which Ray's operator starts Ray, and what its scripts and ours call.
PROGRAMS = (
    "bash", "sh", "cat", "sleep", "ls", "env", "uname", "date", "mkdir", "rm", "cp", "dirname", "readlink", "realpath",
    "nproc", "tr", "sed", "grep", "id", "hostname", "head", "ps", "kill", "df", "touch", "chmod", "mv", "ln", "true",
)  # fmt: skip
#: Of the standard library: what no program of ours imports.
UNUSED = ("test", "idlelib", "lib2to3", "turtledemo", "site-packages", "config-*")


def platform_images(checkout: Path, scratch: Path) -> list[Image]:
    """Return the images of a checkout's platform, and the operator's, which is built from its source."""
    code = _code(checkout, scratch / "code")
    base = _kept("base", sys.version, _base)
    names = references(checkout, REGISTRY)
    lock = (checkout / "uv.lock").read_bytes()
    own = []
    for name, extras in IMAGES.items():
        packages = _kept(
            name, f"{sys.version} {lock!r} {extras}", lambda folder, e=extras: _packages(checkout, e, folder)
        )
        own.append(Image(names[name], (base, packages, code), environment=ENVIRONMENT, user=USER))
    return [*own, Image(OPERATOR, (_operator(scratch / "operator"),), user=USER)]


def _kept(name: str, made_from: str, fill: Callable[[Path], None]) -> Path:
    """Return a layer's archive, from the cache where it is there."""
    digest = hashlib.sha256(f"{Path(__file__).read_text()} {made_from}".encode()).hexdigest()[:16]
    target = cache_root() / "tests" / "layers" / f"{name}-{digest}.tar"
    with locked(target, f"layer {name}"):
        if not target.exists():
            for old in target.parent.glob(f"{name}-*.tar"):
                old.unlink()
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                root = Path(folder)
                with step(f"making layer {name}", lambda: size_of(root)):
                    fill(root)
                    pack(root, target)
    return target


def _base(root: Path) -> None:
    for each in ("etc", "tmp", LIBRARIES, "usr/bin", "usr/local/bin"):
        (root / each).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for link, target in (("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        (root / link).symlink_to(target)
    (root / "usr/lib64").mkdir()
    people = {"root": 0, "groundplan": USER, "nobody": 65534}
    (root / "etc/passwd").write_text("".join(f"{name}:x:{n}:{n}::/tmp:/bin/sh\n" for name, n in people.items()))
    (root / "etc/group").write_text("".join(f"{name}:x:{n}:\n" for name, n in people.items()))
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    (root / "etc/ssl/certs").mkdir(parents=True)
    shutil.copy(certificates, root / "etc/ssl/certs")
    shutil.copytree("/usr/lib/locale/C.utf8", root / "usr/lib/locale/C.utf8")
    here = Path(sys.base_prefix)
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copytree(here / library, root / PYTHON / library, symlinks=True, ignore=shutil.ignore_patterns(*UNUSED))
    _compile(root / PYTHON / library)
    programs = {root / PYTHON / "bin" / Path(sys.executable).resolve().name: Path(sys.executable).resolve()}
    programs |= {root / "usr/bin" / name: Path(str(shutil.which(name))).resolve() for name in PROGRAMS}
    for target, program in programs.items():
        shutil.copy(program, target)
    _libraries(root, [*programs.values(), *(here / library).rglob("*.so")])


def _packages(checkout: Path, extras: Iterable[str], root: Path) -> None:
    """As the Dockerfile installs them; then the folder's scripts are told where it will be."""
    venv, uv = root / VENV, Path(sys.executable).parent / "uv"
    python = Path(sys.executable).resolve()
    subprocess.run([uv, "venv", "--quiet", "--relocatable", "--python", python, venv], check=True)
    words = [word for extra in extras for word in ("--extra", extra)]
    command = [uv, "sync", "--quiet", "--frozen", "--no-install-project", "--no-dev", *words]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv)}
    subprocess.run(command, cwd=checkout, env=environment, check=True)
    _compile(venv / "lib")
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to(f"/{PYTHON}/bin/{python.name}")
    settings = (venv / "pyvenv.cfg").read_text().splitlines()
    settings = [f"home = /{PYTHON}/bin" if line.startswith("home") else line for line in settings]
    (venv / "pyvenv.cfg").write_text("\n".join(settings) + "\n")
    _libraries(root, [*venv.rglob("*.so*"), *(each for each in venv.glob("lib/**/bin/*") if each.is_file())])


def _libraries(root: Path, files: Iterable[Path]) -> None:
    """Copy the system's shared libraries that these files load, as ``ldd`` finds them; those of packages are there."""
    found: set[Path] = set()
    names = [str(each) for each in files]
    for start in range(0, len(names), 200):
        done = subprocess.run(["ldd", *names[start : start + 200]], capture_output=True, text=True)
        words = (word for line in done.stdout.splitlines() for word in line.split())
        found |= {Path(word) for word in words if word.startswith("/") and not word.endswith(":")}
    for each in found:
        if not each.is_relative_to(root) and each.is_file():
            place = root / ("usr/lib64" if "ld-linux" in each.name else LIBRARIES) / each.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(each, place)


def _code(checkout: Path, root: Path) -> Path:
    for each in SOURCES:
        place = root / CODE / Path(each).name
        shutil.copytree(checkout / each, place, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(root)
    return root


def _compile(folder: Path) -> None:
    """As the Dockerfile does: a pod may write no bytecode. By content, since in a layer every file's time is zero."""
    command = [sys.executable, "-m", "compileall", "-q", "-f", "-j0", "--invalidation-mode", "unchecked-hash", folder]
    # Packages bring templates and examples that are no Python of this version: those stay as they are.
    subprocess.run(command, stdout=subprocess.DEVNULL)


def _operator(root: Path) -> Path:
    (root / "tmp").mkdir(parents=True)
    shutil.copy(ensure_programs().kuberay / "kuberay", root / "manager")
    return root
