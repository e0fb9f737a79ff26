"""Every kind of resource by its slug."""

from groundplan.controlplane.kinds.aliases import Alias, Gates
from groundplan.controlplane.kinds.base import Kind
from groundplan.controlplane.kinds.features import (
    DataSource,
    Entity,
    FeatureService,
    FeatureView,
    Materialization,
    Project,
)
from groundplan.controlplane.kinds.models import Model
from groundplan.controlplane.kinds.serving import ServingApplication

KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Project(),
        Entity(),
        DataSource(),
        FeatureView(),
        FeatureService(),
        Materialization(),
        Model(),
        Alias(),
        ServingApplication(),
        Gates(),
    )
}
