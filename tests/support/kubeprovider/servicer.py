"""The engine's protocol for objects of a Kubernetes cluster: what the official plugin answers, in small."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from groundplan.errors import GroundplanError
from groundplan.provider.diff import Change, diff, head
from groundplan.provider.engine import EngineLog
from groundplan.provider.faults import told
from groundplan.provider.handler import Unreachable
from groundplan.provider.values import UNKNOWN, has_unknown, secret_keys, to_plain, to_struct
from tests.support.kube.api import Api, Name, Object, name_of
from tests.support.kube.kubeconfig import access
from tests.support.kubeprovider.cluster import MANAGER, InitFailed, Objects
from tests.support.kubeprovider.objects import INPUTS, Plain, desired, replacing, state

VERSION = "4.34.2"
Kinds = provider_pb2.PropertyDiff
IN_PLACE = {Change.ADD: Kinds.ADD, Change.DELETE: Kinds.DELETE, Change.UPDATE: Kinds.UPDATE}
ANEW = {Change.ADD: Kinds.ADD_REPLACE, Change.DELETE: Kinds.DELETE_REPLACE, Change.UPDATE: Kinds.UPDATE_REPLACE}


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Answer an exception with one line; an object that is there but not ready stays in the state."""

    @wraps(method)
    def wrapped(self: "KubernetesServicer", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except InitFailed as failure:
            context.set_trailing_metadata((("grpc-status-details-bin", _half_made(failure, request)),))
            context.abort(grpc.StatusCode.UNKNOWN, told(failure))
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, told(error))

    return wrapped


class KubernetesServicer(provider_pb2_grpc.ResourceProviderServicer):
    """One resource, one object; any kind. See the package's docstring for what it does otherwise."""

    def __init__(self, log: EngineLog) -> None:
        self._log, self._cancelled = log, Event()
        self._options: Plain = {}
        self._objects: Objects | None = None
        self._reason = "the provider is not configured"

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Say that this is the version the SDK asks for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        """No schema: programs bring the SDK's."""
        return provider_pb2.GetSchemaResponse(schema='{"name": "kubernetes"}')

    @_guarded
    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        """Accept the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @_guarded
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        """Another kubeconfig is an update: the objects stay. Another identifier means another cluster: all is new."""
        old, new = to_plain(request.olds), to_plain(request.news)
        anew = ["clusterIdentifier"] if old.get("clusterIdentifier") != new.get("clusterIdentifier") else []
        kind = provider_pb2.DiffResponse.DIFF_SOME if old != new else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind, replaces=anew)

    @_guarded
    def Configure(self, request: provider_pb2.ConfigureRequest, context: Any) -> provider_pb2.ConfigureResponse:
        """Read the kubeconfig. One that cannot be read fails the first call that needs the cluster, not the preview."""
        self._options = to_plain(request.args)
        given = self._options.get("kubeconfig") or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
        try:
            if given is UNKNOWN:
                raise GroundplanError("the kubeconfig is known only after the update")
            self._objects = Objects(Api(access(given, self._options.get("context"))), self._cancelled)
        except GroundplanError as error:
            self._reason = told(error)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_guarded
    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        """Every object names itself; the API server judges the rest."""
        inputs, failures = to_plain(request.news), []
        metadata = inputs.get("metadata")
        if (isinstance(metadata, Mapping) and not metadata.get("name")) or not metadata:
            failures.append(provider_pb2.CheckFailure(property="metadata.name", reason="missing; fix: name the object"))
        group = _type(request.urn).split(":")[1].rpartition("/")[0]
        if group in ("yaml", "helm.sh", "kustomize") or inputs.get("kind", "").endswith(("List", "Patch")):
            failures.append(provider_pb2.CheckFailure(property="kind", reason="the test provider does not know it"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @_guarded
    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        """Compare what is there with what is declared; some properties make a new object."""
        old, new = to_plain(request.olds).get(INPUTS) or {}, desired(to_plain(request.news))
        ignored = tuple(request.ignoreChanges)
        changes = {path: c for path, c in diff(old, new, outputs=()).items() if not path.startswith(ignored or ("\0",))}
        anew = replacing(new, changes, self._options)
        same_name = not {"metadata.name", "metadata.namespace"} & set(anew)
        detail = {p: Kinds(kind=(ANEW if p in anew else IN_PLACE)[c], inputDiff=False) for p, c in changes.items()}
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changes else response.DIFF_NONE,
            diffs=list(dict.fromkeys(head(path) for path in changes)),
            replaces=list(dict.fromkeys(head(path) for path in anew)),
            deleteBeforeReplace=bool(anew) and same_name,
            detailedDiff=detail,
            hasDetailedDiff=True,
        )

    @_guarded
    def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:
        """Apply and wait; in a preview ask the API server by a dry run, where there is one."""
        manifest = desired(to_plain(request.properties))
        if request.preview:
            foreseen = self._foresee(manifest, new=True)
            return provider_pb2.CreateResponse(properties=_wire(foreseen or {}, manifest, request.properties))
        live = self._reached().apply(manifest, request.timeout, lambda text: self._log.info(request.urn, text))
        return provider_pb2.CreateResponse(id=_id(live), properties=_wire(live, manifest, request.properties))

    @_guarded
    def Update(self, request: provider_pb2.UpdateRequest, context: Any) -> provider_pb2.UpdateResponse:
        """Apply in place and wait; in a preview ask by a dry run."""
        manifest = desired(to_plain(request.news))
        if request.preview:
            foreseen = self._foresee(manifest, new=False)
            return provider_pb2.UpdateResponse(properties=_wire(foreseen or {}, manifest, request.news))
        live = self._reached().apply(manifest, request.timeout, lambda text: self._log.info(request.urn, text))
        return provider_pb2.UpdateResponse(properties=_wire(live, manifest, request.news))

    @_guarded
    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:
        """Look at what is really there; nothing: it is gone. No cluster is an error, as with the official plugin."""
        declared = to_plain(request.properties).get(INPUTS)
        name = name_of(declared) if declared else _named(request.urn, request.id)
        try:
            objects = self._reached()
            live = objects.look(name)
        except Unreachable:
            if not _on(self._options, "deleteUnreachable"):
                raise
            live = None
        if live is None:
            return provider_pb2.ReadResponse()
        found = objects.inputs(declared, live) if declared else {"apiVersion": name.api_version, "kind": name.kind}
        properties = _wire(live, found, request.properties, request.inputs)
        secrets = secret_keys(request.inputs) | _secret(found)
        return provider_pb2.ReadResponse(id=_id(live), properties=properties, inputs=to_struct(found, secrets))

    @_guarded
    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:
        """Delete and wait until it is gone; foreground, unless an annotation says otherwise."""
        found = to_plain(request.properties)
        annotations = found.get("metadata", {}).get("annotations") or {}
        how = annotations.get("pulumi.com/deletionPropagationPolicy", "foreground").capitalize()
        self._reached().delete(name_of(found), how, request.timeout)
        return empty_pb2.Empty()

    @_guarded
    def Invoke(self, request: provider_pb2.InvokeRequest, context: Any) -> provider_pb2.InvokeResponse:
        """``kubernetes:yaml:decode``, what the SDK's ``ConfigFile`` and ``ConfigGroup`` read YAML with."""
        if request.tok != "kubernetes:yaml:decode":
            raise GroundplanError(f"{request.tok}: the test provider does not know it")
        documents = [each for each in yaml.safe_load_all(to_plain(request.args)["text"]) if each]
        return provider_pb2.InvokeResponse(**{"return": to_struct({"result": documents})})

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Ctrl-C: every call that waits stops waiting."""
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Let every call that waits stop waiting."""
        self._cancelled.set()

    def _foresee(self, manifest: Plain, *, new: bool) -> Object | None:
        if has_unknown(manifest) or self._objects is None:
            return None
        return self._objects.foresee(manifest, new=new)

    def _reached(self) -> Objects:
        if self._objects is None:
            raise Unreachable(f"configured Kubernetes cluster is unreachable: {self._reason}")
        return self._objects


def _on(options: Mapping[str, Any], name: str) -> bool:
    return str(options.get(name)).lower() == "true"


def _type(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _named(urn: str, id: str) -> Name:
    _, api_version, kind = _type(urn).split(":")
    namespace, _, name = id.rpartition("/")
    return Name(api_version.removeprefix("core/"), kind, namespace or None, name)


def _id(live: Mapping[str, Any]) -> str:
    namespace = live["metadata"].get("namespace")
    return f"{namespace}/{live['metadata']['name']}" if namespace else str(live["metadata"]["name"])


def _wire(live: Object, declared: Plain, *given: Any) -> Any:
    """The state for the engine: what was secret stays secret, also in the copy of what was declared."""
    secrets = frozenset().union(*map(secret_keys, given)) | _secret(declared)
    whole = state(live, declared, MANAGER) if live else {**declared, INPUTS: declared}
    return to_struct(whole, {*secrets, INPUTS} if secrets else ())


def _secret(declared: Plain) -> frozenset[str]:
    return frozenset({"data", "stringData"}) if declared.get("kind") == "Secret" else frozenset()


def _half_made(failure: InitFailed, request: Any) -> bytes:
    given = request.properties if isinstance(request, provider_pb2.CreateRequest) else request.news
    declared = desired(to_plain(given))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=failure.reason)
    detail = provider_pb2.ErrorResourceInitFailed(
        id=_id(failure.live),
        properties=_wire(failure.live, declared, given),
        reasons=[failure.reason],
        inputs=given,
    )
    status.details.add().Pack(detail)
    return status.SerializeToString()
