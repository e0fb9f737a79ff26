"""What people write, as frozen pydantic models that forbid unknown keys."""

from groundplan.spec import _base, aws_types, cluster, cost
from groundplan.spec._base import NAME_PATTERN, Model, instant_text, seconds
from groundplan.spec.aliases import mirrored
from groundplan.spec.aws import AwsSpec, NodeGroupSpec
from groundplan.spec.aws_rules import is_gpu, zones_of
from groundplan.spec.cluster import ClusterSpec, KindSpec, KubernetesSpec
from groundplan.spec.features import DataSourceSpec, EntitySpec, FeatureServiceSpec, FeatureViewSpec
from groundplan.spec.finding import Finding
from groundplan.spec.gates import gate_words
from groundplan.spec.identity import ROLES, GrantSpec, IdentitySpec, Role, ServiceAccountSpec, UserSpec, roles_of
from groundplan.spec.loaded import LoadedProject
from groundplan.spec.personal import audience, audience_findings, marked, personal_of, sees
from groundplan.spec.project import ProjectSpec, ServingSpec, TierSpec, TiersSpec
from groundplan.spec.references import across_projects, entities_of, features_of, in_project, in_stack
from groundplan.spec.resources import RunResources
from groundplan.spec.stack import PORT_OFFSETS, RAY_WORKER_OFFSETS, LocalSpec, RaySpec, SourceSpec, StackSpec
from groundplan.spec.team_runs import team_run_findings
from groundplan.spec.tenancy import (
    AdmissionSpec,
    GitOpsSpec,
    PodLimitsSpec,
    QuotaSpec,
    ReachSpec,
    SecuritySpec,
    TeamSpec,
    namespace_of,
    teams_of,
)
from groundplan.spec.training import AliasSpec, ExamplesSpec, PreprocessorSpec, TrainingSpec, ValidationSpec

#: What each pattern means, in words: shown as "allowed" in an error.
MEANING = {**_base.MEANING, **aws_types.MEANING, **cluster.MEANING, **cost.MEANING}

__all__ = [
    "MEANING",
    "NAME_PATTERN",
    "PORT_OFFSETS",
    "RAY_WORKER_OFFSETS",
    "ROLES",
    "AdmissionSpec",
    "AliasSpec",
    "AwsSpec",
    "ClusterSpec",
    "DataSourceSpec",
    "EntitySpec",
    "ExamplesSpec",
    "FeatureServiceSpec",
    "FeatureViewSpec",
    "Finding",
    "GitOpsSpec",
    "GrantSpec",
    "IdentitySpec",
    "KindSpec",
    "KubernetesSpec",
    "LoadedProject",
    "LocalSpec",
    "Model",
    "NodeGroupSpec",
    "PodLimitsSpec",
    "PreprocessorSpec",
    "ProjectSpec",
    "QuotaSpec",
    "RaySpec",
    "ReachSpec",
    "Role",
    "RunResources",
    "SecuritySpec",
    "ServiceAccountSpec",
    "ServingSpec",
    "SourceSpec",
    "StackSpec",
    "TeamSpec",
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
    "is_gpu",
    "marked",
    "mirrored",
    "namespace_of",
    "personal_of",
    "roles_of",
    "seconds",
    "sees",
    "team_run_findings",
    "teams_of",
    "zones_of",
]
