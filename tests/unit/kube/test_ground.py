"""Reading kubeconfigs, and Kubernetes' module from outside its repository."""

from pathlib import Path

import pytest
import yaml
from tests.support.kube.credentials import Credentials
from tests.support.kube.kubeconfig import access
from tests.support.kube.programs import published

from groundplan.errors import GroundplanError

MODULE = """\
module k8s.io/kubernetes

go 1.24.0

require (
	k8s.io/api v0.0.0
	k8s.io/kms v0.0.0 // indirect
	k8s.io/utils v0.0.0-20250604170112-4c0f3b243397
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
)
"""


def test_staging_modules_get_their_published_version() -> None:
    text = published(MODULE, "1.34.4")
    assert "k8s.io/api v0.34.4\n" in text
    assert "k8s.io/kms v0.34.4 // indirect" in text
    assert "k8s.io/utils v0.0.0-20250604170112-4c0f3b243397" in text
    assert "k8s.io/api => k8s.io/api v0.34.4" in text
    assert text.startswith("module throwaway\n")
    assert text.endswith("require k8s.io/kubernetes v1.34.4\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Credentials(tmp_path / "pki", ("127.0.0.1",)).kubeconfig("admin", "https://127.0.0.1:1")


def test_a_kubeconfig_is_a_path_or_its_text(file: Path) -> None:
    text = yaml.safe_dump(yaml.safe_load(file.read_text()))
    for given in (str(file), file.read_text(), text):
        assert access(given).server == "https://127.0.0.1:1"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("/there/is/none", "/there/is/none: cannot be read as a kubeconfig (No such file or directory)"),
        ("{kind: Config", "kubeconfig: cannot be read as a kubeconfig (not YAML)"),
        ("{kind: Pod}", "kubeconfig: not a kubeconfig (kind: Config is missing)"),
    ],
)
def test_what_is_none_is_refused_in_one_line(given: str, line: str) -> None:
    with pytest.raises(GroundplanError) as caught:
        access(given)
    assert str(caught.value) == line


def test_an_unknown_context_is_refused(file: Path) -> None:
    with pytest.raises(GroundplanError, match=r"contexts: got 'else'; allowed: test$"):
        access(str(file), "else")
