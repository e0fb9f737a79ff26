"""Every resource type of the plugin as a typed Pulumi class, and the provider that they go through."""

from groundplan_components.resources.cluster import KindCluster, StackCertificate, StackSecret
from groundplan_components.resources.local import DataFolder, RuntimeConfig, Secret, Service
from groundplan_components.resources.ml import (
    KIND_CLASSES,
    Alias,
    DataSource,
    Entity,
    FeatureService,
    FeatureView,
    Gates,
    Materialization,
    MLResource,
    Model,
    Project,
    ServingApplication,
)
from groundplan_components.resources.provider import Groundplan

__all__ = [
    "KIND_CLASSES",
    "Alias",
    "DataFolder",
    "DataSource",
    "Entity",
    "FeatureService",
    "FeatureView",
    "Gates",
    "Groundplan",
    "KindCluster",
    "MLResource",
    "Materialization",
    "Model",
    "Project",
    "RuntimeConfig",
    "Secret",
    "Service",
    "ServingApplication",
    "StackCertificate",
    "StackSecret",
]
