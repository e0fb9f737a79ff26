"""Builds the applications that Ray Serve runs: ``groundplan_serving.app:tiered`` and ``:fused``."""

from typing import Any

from ray import serve

from groundplan_serving.config import Args
from groundplan_serving.ingress import ForecastAPI, FusedAPI
from groundplan_serving.tiers import FeastService, ModelService, PreprocessingService

#: Requests that one replica works on at a time, and that may wait for it: nothing queues without a bound.
ONGOING, QUEUED = 32, 128
#: CPUs of a replica where Serve's config names none.
CPUS = 0.1


def tiered(args: dict[str, Any]) -> serve.Application:
    """Return the four tiers: ForecastAPI → FeastService → PreprocessingService → ModelService.

    ``args`` are those of :class:`groundplan_serving.config.Args`. Raises ``pydantic.ValidationError`` for others.
    Replicas, CPUs and bounds are no args: Serve's config overrides them, and these here only stand in.
    """
    Args.model_validate(args)
    features = deployment(FeastService).bind(args)
    preprocessing = deployment(PreprocessingService).bind()
    model = deployment(ModelService).bind()
    return deployment(ForecastAPI, ongoing=8 * ONGOING).bind(args, features, preprocessing, model)


def fused(args: dict[str, Any]) -> serve.Application:
    """Return all tiers in one deployment. Same arguments, same answers."""
    Args.model_validate(args)
    return deployment(FusedAPI, ongoing=8 * ONGOING).bind(args)


def deployment(cls: type, ongoing: int = ONGOING) -> Any:
    """Return the deployment of one tier, with its bounds, not yet bound."""
    return serve.deployment(
        cls,
        name=cls.__name__,
        num_replicas=1,
        ray_actor_options={"num_cpus": CPUS},  # Ray's own default, 1, hangs on a small machine
        max_ongoing_requests=ongoing,
        max_queued_requests=QUEUED,
        # A replica that is replaced goes when the new one answers, not before.
        max_surge_percent=100,
        # The prediction log tells more, and costs the request nothing.
        logging_config={"enable_access_log": False},
        health_check_period_s=5,
        graceful_shutdown_timeout_s=10,
    )
