"""What people write, as frozen pydantic models that forbid unknown keys."""

from groundplan.spec._base import MEANING, NAME_PATTERN, Model, instant_text, seconds
from groundplan.spec.aliases import mirrored
from groundplan.spec.features import DataSourceSpec, EntitySpec, FeatureServiceSpec, FeatureViewSpec
from groundplan.spec.finding import Finding
from groundplan.spec.gates import gate_words
from groundplan.spec.identity import ROLES, GrantSpec, IdentitySpec, Role, ServiceAccountSpec, UserSpec, roles_of
from groundplan.spec.loaded import LoadedProject
from groundplan.spec.personal import audience, audience_findings, marked, personal_of, sees
from groundplan.spec.project import ProjectSpec, ServingSpec, TierSpec, TiersSpec
from groundplan.spec.references import across_projects, entities_of, features_of, in_project, in_stack
from groundplan.spec.resources import RunResources
from groundplan.spec.stack import PORT_OFFSETS, RAY_WORKER_OFFSETS, LocalSpec, RaySpec, StackSpec
from groundplan.spec.training import AliasSpec, ExamplesSpec, PreprocessorSpec, TrainingSpec, ValidationSpec

__all__ = [
    "MEANING",
    "NAME_PATTERN",
    "PORT_OFFSETS",
    "RAY_WORKER_OFFSETS",
    "ROLES",
    "AliasSpec",
    "DataSourceSpec",
    "EntitySpec",
    "ExamplesSpec",
    "FeatureServiceSpec",
    "FeatureViewSpec",
    "Finding",
    "GrantSpec",
    "IdentitySpec",
    "LoadedProject",
    "LocalSpec",
    "Model",
    "PreprocessorSpec",
    "ProjectSpec",
    "RaySpec",
    "Role",
    "RunResources",
    "ServiceAccountSpec",
    "ServingSpec",
    "StackSpec",
    "TierSpec",
    "TiersSpec",
    "TrainingSpec",
    "UserSpec",
    "ValidationSpec",
    "across_projects",
    "audience",
    "audience_findings",
    "entities_of",
    "features_of",
    "gate_words",
    "in_project",
    "in_stack",
    "instant_text",
    "marked",
    "mirrored",
    "personal_of",
    "roles_of",
    "seconds",
    "sees",
]
