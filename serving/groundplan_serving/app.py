"""Builds the application that Ray Serve runs: ``import_path: groundplan_serving.app:build``."""

from typing import Any

from ray import serve

from groundplan_serving.config import Args, Tier
from groundplan_serving.ingress import ForecastAPI
from groundplan_serving.tiers import FeastService, ModelService, PreprocessingService

#: Requests that one replica works on at a time, and that may wait for it: nothing queues without a bound.
ONGOING, QUEUED = 32, 128


def build(args: dict[str, Any]) -> serve.Application:
    """Return the bound application: ForecastAPI → FeastService → PreprocessingService → ModelService.

    ``args`` are those of :class:`groundplan_serving.config.Args`. Raises ``pydantic.ValidationError`` for others.
    """
    tiers = Args.model_validate(args).tiers
    features = deployment(FeastService, tiers.features).bind(args)
    preprocessing = deployment(PreprocessingService, tiers.preprocessing).bind()
    model = deployment(ModelService, tiers.model).bind()
    return deployment(ForecastAPI, tiers.api, ongoing=4 * ONGOING).bind(args, features, preprocessing, model)


def deployment(cls: type, tier: Tier, ongoing: int = ONGOING) -> Any:
    """Return the deployment of one tier, with its resources and bounds, not yet bound."""
    return serve.deployment(
        cls,
        name=cls.__name__,
        num_replicas=tier.replicas,
        ray_actor_options={"num_cpus": tier.cpus},
        max_ongoing_requests=ongoing,
        max_queued_requests=QUEUED,
        health_check_period_s=5,
        graceful_shutdown_timeout_s=10,
    )
