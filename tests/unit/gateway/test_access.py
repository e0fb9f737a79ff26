"""The table of access rules, and the configuration that is made from it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.support.issuer import encoded

from groundplan.controlplane.identity import Identity, deployer, from_header
from groundplan.gateway import Settings, Tokens, documents
from groundplan.gateway.authority import ends, ensure
from groundplan.gateway.matrix import page
from groundplan.spec.access import ALL_METHODS, INHERITS, LIMITS, RULES, allowed, holders, may
from groundplan.spec.identity import ROLES

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Settings(
    port=1, projects=("flights", "other"), issuer="https://localhost:1/identity", jwks="http://127.0.0.1:2/jwks",
    upstreams={name: "127.0.0.1:2" for name in ("identity", "controlplane", "mlflow", "feast", "ray", "serve")},
    singles={"flights/solo": "127.0.0.1:3"},
)  # fmt: skip
TOKENS = Tokens("secret-c", "secret-m", "secret-f", "secret-r", "secret-s")


def test_the_documentation_is_what_the_table_says() -> None:
    fix = "python -m groundplan.gateway.matrix > docs/access.md"
    assert (ROOT / "docs/access.md").read_text() == page(), fix


def test_the_roles_are_the_spec_s() -> None:
    assert tuple(INHERITS) == tuple(ROLES)


def test_rows_have_names_of_their_own_and_known_words() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule.methods) <= set(ALL_METHODS)
        assert rule.limit in LIMITS
        assert ("{project}" in rule.path) == (rule.scope == "project"), rule.name
        assert bool(rule.role) == (rule.scope != "open")


@pytest.mark.parametrize(("role", "does", "does_not"), [
    ("viewer", {"status", "model", "catalogue", "lineage", "services", "features_health"},
     {"predict", "features", "train", "alias", "approve", "audit", "ray", "runs"}),
    ("data_scientist", {"predict", "features", "train", "runs"},
     {"alias", "declare", "approve", "audit", "ray", "runs_edit"}),
    ("ml_engineer", {"predict", "train", "alias", "declare"}, {"approve", "audit", "ray", "runs_edit"}),
    ("approver", {"approve", "status"}, {"alias", "declare", "train", "predict", "audit", "ray"}),
    ("platform_admin", {rule.name for rule in RULES}, set()),
])  # fmt: skip
def test_what_each_role_is_for(role: str, does: set[str], does_not: set[str]) -> None:
    """Written by hand: the table may not drift from what the roles mean."""
    for rule in RULES:
        if rule.name in does:
            assert allowed(rule, {f"*:{role}"}, "flights"), rule.name
        if rule.name in does_not:
            assert not allowed(rule, {f"*:{role}"}, "flights"), rule.name


def test_a_role_counts_in_its_project_and_in_all() -> None:
    assert may({"flights:viewer"}, "viewer", "flights")
    assert may({"*:platform_admin"}, "viewer", "flights")
    for roles in ({"other:viewer"}, {"flights:approver "}, {"flights"}, set(), {"viewer"}, {"*"}):
        assert not may(roles, "viewer", "flights"), roles
    assert not may({"flights:platform_admin"}, "viewer", "*")
    assert holders("approver") == ("approver", "platform_admin")


def test_a_path_of_another_project_or_with_an_encoded_slash_fits_no_pattern() -> None:
    predict = next(rule for rule in RULES if rule.name == "predict").pattern(project="flights")
    assert re.fullmatch(predict, "/serve/flights/delay/predict/feast/batch")
    for path in ("/serve/other/delay/predict/feast/batch", "/serve/flights/a/b/predict/feast/batch",
                 "/serve/flights/a%2fb/predict/feast/batch", "/serve/flightsx/a/predict/feast/batch"):  # fmt: skip
        assert not re.fullmatch(predict, path), path
    page_ = next(rule for rule in RULES if rule.name == "page").pattern()
    assert re.fullmatch(page_, "/catalogue/a%20b/x.js")
    assert not re.fullmatch(page_, "/catalogue/..%2fv1")
    assert not re.fullmatch(page_, "/cataloguex")


def test_the_configuration_denies_by_default_and_trusts_one_issuer() -> None:
    texts = documents(SETTINGS, TOKENS, "/x", "chain", "key")
    manager = json.loads(texts["listeners.json"])["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    filters = {each["name"]: each["typed_config"] for each in manager["http_filters"]}
    names = list(filters)
    assert filters["envoy.filters.http.rbac"]["rules"] == {"action": "ALLOW", "policies": {}}
    assert names.index("envoy.filters.http.header_mutation") < names.index("envoy.filters.http.jwt_authn")
    assert names.index("envoy.filters.http.jwt_authn") < names.index("envoy.filters.http.rbac")
    providers = filters["envoy.filters.http.jwt_authn"]["providers"]
    assert {each["issuer"] for each in providers.values()} == {SETTINGS.issuer}
    assert not any(each["forward"] for each in providers.values())
    assert [name for name, each in providers.items() if each["audiences"] == ["groundplan"]] == ["issuer"]
    assert [name for name, each in providers.items() if "from_headers" in each] == ["issuer"]
    assert {each["from_cookies"][0] for name, each in providers.items() if name != "issuer"} == {
        "__Secure-groundplan-mlflow",
        "__Secure-groundplan-ray",
    }
    routes = json.loads(texts["routes.json"])["resources"][0]["virtual_hosts"][0]["routes"]
    for route in routes[1:]:
        config = route["typed_per_filter_config"]
        assert config["envoy.filters.http.rbac"]["rbac"]["rules"]["policies"], route["name"]
        rule = next(rule for rule in RULES if rule.name == route["name"])
        assert ("envoy.filters.http.jwt_authn" in config) == (rule.scope == "open"), route["name"]


def test_secrets_are_in_the_routes_and_clusters_alone_and_an_edit_is_a_new_version() -> None:
    texts = documents(SETTINGS, TOKENS, "/x", "chain", "key")
    assert "secret-" not in texts["listeners.json"]
    changed = documents(Settings.of({**SETTINGS.to_dict(), "projects": ["flights"]}), TOKENS, "/x", "chain", "key")
    assert {name for name in texts if texts[name] != changed[name]} == {"routes.json"}


def test_an_issuer_elsewhere_is_asked_for_its_keys_over_tls_and_has_no_route() -> None:
    upstreams = {name: address for name, address in SETTINGS.upstreams.items() if name != "identity"}
    elsewhere = replace(SETTINGS, upstreams=upstreams, issuer="https://idp.example/x", jwks="https://idp.example/keys")
    texts = documents(elsewhere, TOKENS, "/x", "chain", "key")
    clusters = {each["name"]: each for each in json.loads(texts["clusters.json"])["resources"]}
    context = clusters["identity"]["transport_socket"]["typed_config"]
    assert context["sni"] == "idp.example"
    assert context["common_tls_context"]["validation_context"]["trusted_ca"]
    assert '"sign_in"' not in texts["routes.json"]
    assert "from_cookies" not in texts["listeners.json"], "nobody vouches for cookies"
    assert "/identity/browser" not in texts["listeners.json"]


def test_settings_survive_their_json() -> None:
    assert Settings.of(json.loads(json.dumps(SETTINGS.to_dict()))) == SETTINGS


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def test_the_certificate_is_made_once_renewed_early_and_signed_by_an_authority_for_this_machine(tmp_path: Path) -> None:
    chain, key = ensure(tmp_path, "local", _write)
    assert ensure(tmp_path, "local", _write) == (chain, key)
    authority = (tmp_path / "ca.pem").read_text()
    made = x509.load_pem_x509_certificate(chain.encode())
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    later = datetime.now(UTC) + timedelta(days=340)
    renewed, _ = ensure(tmp_path, "local", _write, later)
    assert renewed != chain
    assert (tmp_path / "ca.pem").read_text() == authority
    assert ends(tmp_path / "gateway.pem") > later + timedelta(days=300)
    (tmp_path / "gateway-key.pem").write_text("damaged")
    assert ensure(tmp_path, "local", _write)[1].startswith("-----BEGIN PRIVATE KEY-----")


def test_who_asks_is_read_from_the_payload_or_refused() -> None:
    said = {"sub": "ana", "name": "Ana", "groups": ["g"], "roles": ["flights:viewer", 1], "aud": "groundplan"}
    assert from_header(encoded(json.dumps(said).encode())) == Identity(
        "ana", "Ana", ("g",), frozenset({"flights:viewer"})
    )
    for text in ("", "x", "e30", encoded(b"[]"), encoded(b'{"sub": 1}'), encoded(b'{"sub": ""}'), "é", encoded(b"\xff"),
                 encoded(b'{"sub": "a\\nb"}')):  # fmt: skip
        with pytest.raises(ValueError, match=r"payload|sub"):
            from_header(text)
    assert deployer("ci").may("platform_admin", "*")
