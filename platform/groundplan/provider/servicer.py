"""The engine's protocol, for every handler alike. Calls run in parallel, one thread each."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from threading import Event
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from groundplan.errors import GroundplanError
from groundplan.provider.diff import Change, Changes, diff, head
from groundplan.provider.engine import EngineLog
from groundplan.provider.faults import told
from groundplan.provider.handler import Context, Failure, Foreseeing, Handler, Labelling, Settling, Unreachable
from groundplan.provider.schema import CONFIG, VERSION, schema_json
from groundplan.provider.values import UNKNOWN, has_unknown, secret_keys, to_plain, to_struct

CALLS = TypeVar("CALLS", bound=Callable[..., Any])
KINDS = {
    Change.ADD: provider_pb2.PropertyDiff.ADD,
    Change.DELETE: provider_pb2.PropertyDiff.DELETE,
    Change.UPDATE: provider_pb2.PropertyDiff.UPDATE,
}


def _guarded(method: CALLS) -> CALLS:
    """Answer an exception with one line instead of a traceback."""

    @wraps(method)
    def wrapped(self: "Servicer", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, told(error))

    return wrapped  # type: ignore[return-value]


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Drives handlers, found by type token. Nothing is ever replaced: every difference is an update in place."""

    def __init__(self, handlers: Iterable[Handler], log: EngineLog) -> None:
        self._handlers = {handler.token: handler for handler in handlers}
        self._log = log
        self._cancelled = Event()
        self._config: Mapping[str, str] = {}

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Say which version this is."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        """Return the schema of every type, as JSON."""
        return provider_pb2.GetSchemaResponse(schema=schema_json())

    @_guarded
    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        """Accept the provider's configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @_guarded
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        """A changed configuration is an update: it never replaces what the provider manages."""
        return _answer(diff(to_plain(request.olds), to_plain(request.news), outputs=()))

    @_guarded
    def Configure(self, request: provider_pb2.ConfigureRequest, context: Any) -> provider_pb2.ConfigureResponse:
        """Take the configuration; the token itself is read when it is used."""
        args = to_plain(request.args)
        self._config = {key: str(args[key]) for key in CONFIG if args.get(key) not in (None, UNKNOWN)}
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_guarded
    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        """Check inputs and fill in defaults; what is not known yet is passed over."""
        handler, inputs = self._handler(request.urn), to_plain(request.news)
        unknown = {key: value for key, value in inputs.items() if has_unknown(value)}
        known = {key: value for key, value in inputs.items() if key not in unknown}
        checked, failures = _check(handler, known, self._context(request.urn))
        shown = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
            for failure in failures
            if head(failure.property) not in unknown
        ]
        secrets = secret_keys(request.news)
        return provider_pb2.CheckResponse(inputs=to_struct({**checked, **unknown}, secrets), failures=shown)

    @_guarded
    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        """Compare what is there (the state) with what is declared, property by property."""
        handler, state = self._handler(request.urn), to_plain(request.olds)
        changes = diff(state, to_plain(request.news), handler.outputs)
        ignored = {head(path) for path in request.ignoreChanges}
        kept = {path: change for path, change in changes.items() if head(path) not in ignored}
        if isinstance(handler, Labelling) and (broken := handler.breaking(kept)):
            self._log.warn(request.urn, f"breaking: {', '.join(broken)}: made in place; what uses it has to follow")
        unsettled = handler.unsettled(state) if isinstance(handler, Settling) else ()
        return _answer({**kept, **dict.fromkeys(sorted(unsettled), Change.UPDATE)})

    @_guarded
    def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:
        """Make or adopt; in a preview only say what will be known when."""
        handler, inputs = self._handler(request.urn), to_plain(request.properties)
        secrets = secret_keys(request.properties) | handler.secret_outputs
        if request.preview:
            _tell_ahead(handler, inputs, self._context(request.urn))
            return provider_pb2.CreateResponse(properties=to_struct(_foreseen(handler, inputs), secrets))
        id, state = handler.create(inputs, self._context(request.urn))
        return provider_pb2.CreateResponse(id=id, properties=to_struct(state, secrets))

    @_guarded
    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:
        """Look at what is really there. No answer: keep what was known, and say so."""
        handler, ctx = self._handler(request.urn), self._context(request.urn)
        try:
            state = handler.read(request.id, to_plain(request.properties), ctx)
        except Unreachable as error:
            ctx.warn(f"could not look at {ctx.name}: {told(error)}; showing what was last known")
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        if state is None:
            return provider_pb2.ReadResponse()
        secrets = secret_keys(request.properties) | secret_keys(request.inputs) | handler.secret_outputs
        inputs = {key: value for key, value in state.items() if key not in handler.outputs}
        return provider_pb2.ReadResponse(
            id=request.id, properties=to_struct(state, secrets), inputs=to_struct(inputs, secrets)
        )

    @_guarded
    def Update(self, request: provider_pb2.UpdateRequest, context: Any) -> provider_pb2.UpdateResponse:
        """Make it match, in place."""
        handler, inputs = self._handler(request.urn), to_plain(request.news)
        secrets = secret_keys(request.news) | handler.secret_outputs
        if request.preview:
            _tell_ahead(handler, inputs, self._context(request.urn))
            return provider_pb2.UpdateResponse(properties=to_struct(_foreseen(handler, inputs), secrets))
        state = handler.update(request.id, to_plain(request.olds), inputs, self._context(request.urn))
        return provider_pb2.UpdateResponse(properties=to_struct(state, secrets))

    @_guarded
    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:
        """Remove it."""
        handler = self._handler(request.urn)
        handler.delete(request.id, to_plain(request.properties), self._context(request.urn))
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Ctrl-C: every call that waits stops waiting. What it waits for goes on."""
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Let every call that waits stop waiting."""
        self._cancelled.set()

    def _handler(self, urn: str) -> Handler:
        token = _type(urn)
        if token not in self._handlers:
            raise GroundplanError(f"{token}: no such type; there is: {', '.join(sorted(self._handlers))}")
        return self._handlers[token]

    def _context(self, urn: str) -> Context:
        return Context(
            urn=urn,
            name=urn.rsplit("::", 1)[-1],
            preview=False,
            report=lambda text: self._log.info(urn, text),
            warn=lambda text: self._log.warn(urn, text),
            config=self._config,
            cancelled=self._cancelled,
            tell=lambda text: self._log.tell(urn, text),
        )


def _type(urn: str) -> str:
    parts = urn.split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 3 else urn


def _check(handler: Handler, inputs: dict[str, Any], context: Context) -> tuple[dict[str, Any], list[Failure]]:
    try:
        return handler.check(inputs, context)
    except GroundplanError as error:
        return inputs, [Failure("", told(error))]


def _foreseen(handler: Handler, inputs: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(handler.outputs, UNKNOWN), **inputs}


def _tell_ahead(handler: Handler, inputs: dict[str, Any], context: Context) -> None:
    if isinstance(handler, Foreseeing) and not has_unknown(inputs):
        handler.foresee(inputs, context)


def _answer(changes: Changes) -> provider_pb2.DiffResponse:
    some = provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE
    detail = {path: provider_pb2.PropertyDiff(kind=KINDS[change], inputDiff=False) for path, change in changes.items()}
    heads = list(dict.fromkeys(head(path) for path in changes))
    return provider_pb2.DiffResponse(changes=some, diffs=heads, detailedDiff=detail, hasDetailedDiff=True)
