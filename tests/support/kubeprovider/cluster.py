"""What the test provider does with one object: apply and wait, look, delete and wait."""

import os
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from groundplan.errors import GroundplanError, ServiceError
from groundplan.provider.handler import Unreachable
from tests.support.kube.api import Api, ApiError, Name, Object, UnknownKind, name_of
from tests.support.kubeprovider import awaits
from tests.support.kubeprovider.objects import Plain, actual

MANAGER = "pulumi-kubernetes"
#: Seconds between two looks, and how long is waited unless the resource's custom timeouts say otherwise.
POLL = 0.25
PATIENCE = 300.0
#: Seconds that a kind or a namespace made a moment ago may take to be served.
SETTLING = 15.0


class InitFailed(ServiceError):
    """The object was made, but did not become ready in time."""

    def __init__(self, live: Object, reason: str) -> None:
        self.live, self.reason = live, reason
        super().__init__(reason)


class Objects:
    """The objects of one cluster, for one run of the provider."""

    def __init__(self, api: Api, cancelled: Event) -> None:
        self._api, self._cancelled = api, cancelled

    def look(self, name: Name) -> Object | None:
        """Return an object; None when it, or its whole kind, is gone."""
        try:
            return self._api.get(name)
        except UnknownKind:
            return None

    def apply(self, manifest: Plain, timeout: float, report: Callable[[str], None]) -> Object:
        """Apply a manifest and wait until the object is ready; :class:`InitFailed` when it is not in time."""
        live = self._until_served(lambda: self._api.apply(manifest, MANAGER, force=forced(manifest)))
        return self._ready(live, patience(manifest, timeout), report)

    def foresee(self, manifest: Plain, *, new: bool) -> Object | None:
        """Return what an apply would make, asked by dry run; None where only the update can tell."""
        force = True if new else forced(manifest)
        try:
            return self._api.apply(manifest, MANAGER, force=force, dry_run=True)
        except (UnknownKind, Unreachable):
            return None
        except ApiError as error:
            if error.code == 404:
                return None  # its namespace is made in the same run
            if not (new and error.code == 422 and self.look(name_of(manifest))):
                raise
        # A replacement: what is there refuses the new fields, what comes after its deletion does not.
        metadata = {**manifest["metadata"], "name": f"{manifest['metadata']['name'][:50]}-preview"}
        return self._api.apply({**manifest, "metadata": metadata}, MANAGER, force=True, dry_run=True)

    def inputs(self, declared: Plain, live: Object) -> Plain:
        """Return ``declared`` as it really is in ``live``; what the API server makes of it is no difference."""
        ideal = self._api.apply(declared, MANAGER, force=True, dry_run=True)
        found = actual(declared, live, ideal)
        return dict(found)

    def delete(self, name: Name, propagation: str, timeout: float) -> None:
        """Delete an object and wait until it is gone, with all that it owns."""
        found = self.look(name)
        if found is None or not self._api.delete(name, propagation):
            return
        uid = found["metadata"]["uid"]
        deadline = time.monotonic() + (timeout or PATIENCE)
        while (left := self.look(name)) and left["metadata"]["uid"] == uid:
            holders = ", ".join(left["metadata"].get("finalizers") or ()) or "no finalizer"
            self._pause(deadline, f"{name}: still there after its deletion ({holders})")

    def _until_served(self, call: Callable[[], Object]) -> Object:
        """Kinds and namespaces appear a moment after they were made, also where nothing declares the order."""
        deadline = time.monotonic() + SETTLING
        while True:
            try:
                return call()
            except (UnknownKind, ApiError) as error:
                if isinstance(error, ApiError) and error.code != 404:
                    raise
                self._pause(deadline, str(error))

    def _ready(self, live: Object, timeout: float, report: Callable[[str], None]) -> Object:
        deadline, name, told = time.monotonic() + timeout, name_of(live), ""
        while lacking := awaits.missing(self._api, live):
            if lacking != told:
                report(told := lacking)
            if time.monotonic() > deadline:
                reasons = [lacking, awaits.why(self._api, live)]
                text = f"{name}: not ready after {timeout:.0f} s: {'; '.join(each for each in reasons if each)}"
                raise InitFailed(live, text)
            self._pause(deadline + 1, lacking)
            found = self.look(name)
            if found is None:
                raise ServiceError(f"{name}: deleted by someone else while `up` waited for it")
            live = found
        return live

    def _pause(self, deadline: float, reason: str) -> None:
        if time.monotonic() > deadline:
            raise ServiceError(reason)
        if self._cancelled.wait(POLL):
            raise GroundplanError("interrupted; the cluster goes on with it, and the next `up` looks again")


def patience(manifest: Mapping[str, Any], timeout: float) -> float:
    """Seconds to wait: the resource's custom timeout (0: none), else its annotation, else :data:`PATIENCE`."""
    annotations = manifest["metadata"].get("annotations") or {}
    return timeout or float(annotations.get("pulumi.com/timeoutSeconds") or PATIENCE)


def forced(manifest: Mapping[str, Any]) -> bool:
    """Whether fields that other managers own are taken over, as the official plugin decides it."""
    annotations = manifest["metadata"].get("annotations") or {}
    if annotations.get("pulumi.com/patchForce") == "true":
        return True
    return os.environ.get("PULUMI_K8S_ENABLE_PATCH_FORCE") == "true"
