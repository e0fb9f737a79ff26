"""What the provider's schema knows, key by key: it says nothing of the keys that it does not know, at any depth."""

from collections.abc import Mapping
from typing import Any


class Shapes:
    """The inputs of every type, by the bridge's schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._inputs = {token: one["inputProperties"] for token, one in schema["resources"].items()}
        self._types = schema.get("types", {})

    def fitted(self, token: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the inputs by the bridge's names, and the paths of keys that the provider has not got.

        Where pulumi-aws has one object, the bridge may have a list of at most one, by the plural of its name.
        """
        unknown: list[str] = []
        return self._object(self._inputs[token], given, "", unknown), unknown

    def _object(
        self, known: Mapping[str, Any], given: Mapping[str, Any], path: str, unknown: list[str]
    ) -> dict[str, Any]:
        found = {}
        for key, value in given.items():
            if key in known:
                found[key] = self._value(known[key], value, f"{path}{key}.", unknown)
            elif "items" in known.get(f"{key}s", {}):
                found[f"{key}s"] = self._value(known[f"{key}s"], [value], f"{path}{key}.", unknown)
            else:
                unknown.append(path + key)
        return found

    def _value(self, spec: Mapping[str, Any], value: Any, path: str, unknown: list[str]) -> Any:
        if isinstance(value, list) and "items" in spec:
            return [self._value(spec["items"], one, f"{path}{n}.", unknown) for n, one in enumerate(value)]
        if isinstance(value, Mapping) and "$ref" in spec:
            kind = self._types[spec["$ref"].removeprefix("#/types/")]
            return self._object(kind["properties"], value, path, unknown)
        return value
