"""Images made from folders: the same content is the same image."""

import json
import tarfile
from pathlib import Path

from tests.support.kube.image import Image, pack, save


def image(folder: Path, text: str = "hello") -> Image:
    folder.mkdir()
    (folder / "b").write_text(text)
    (folder / "a").symlink_to("b")
    return Image("groundplan.test/x:1", (folder,), ("/b",), {"PATH": "/bin"})


def read(archive: Path, name: str) -> dict:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return json.load(file)


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    first = save(image(tmp_path / "one"), tmp_path / "1.tar")
    assert save(image(tmp_path / "two"), tmp_path / "2.tar") == first
    assert save(image(tmp_path / "other", "other"), tmp_path / "3.tar") != first
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_it_names_itself_and_does_not_run_as_root(tmp_path: Path) -> None:
    digest = save(image(tmp_path / "root"), tmp_path / "x.tar")
    (entry,) = read(tmp_path / "x.tar", "index.json")["manifests"]
    assert entry["digest"] == digest
    assert entry["annotations"]["io.containerd.image.name"] == "groundplan.test/x:1"
    manifest = read(tmp_path / "x.tar", f"blobs/sha256/{digest.removeprefix('sha256:')}")
    config = read(tmp_path / "x.tar", f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}")
    assert config["config"] == {"User": "65534", "Env": ["PATH=/bin"], "Entrypoint": ["/b"]}


def test_a_layer_that_was_packed_before_is_the_same_layer(tmp_path: Path) -> None:
    made = image(tmp_path / "one")
    kept = pack(tmp_path / "one", tmp_path / "kept.tar")
    packed = Image(made.name, (kept,), made.entrypoint, made.environment)
    assert save(packed, tmp_path / "2.tar") == save(made, tmp_path / "1.tar")


def test_layers_lie_over_each_other_in_their_order(tmp_path: Path) -> None:
    low, high = image(tmp_path / "low"), image(tmp_path / "high", "over it")
    both = Image("groundplan.test/x:1", (*low.layers, *high.layers))
    digest = save(both, tmp_path / "x.tar").removeprefix("sha256:")
    layers = read(tmp_path / "x.tar", f"blobs/sha256/{digest}")["layers"]
    texts = []
    with tarfile.open(tmp_path / "x.tar") as archive:
        for each in layers:
            blob = archive.extractfile(f"blobs/sha256/{each['digest'].removeprefix('sha256:')}")
            with tarfile.open(fileobj=blob) as layer:
                texts.append(layer.extractfile("b").read())
    assert texts == [b"hello", b"over it"]
