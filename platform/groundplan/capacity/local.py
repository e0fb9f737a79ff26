"""What will not fit on the one machine of the ``local`` target."""

from collections.abc import Iterator, Sequence

from groundplan.capacity.demand import Ask, doubled, together
from groundplan.capacity.shortages import cpu_words

#: What Ray sets aside for a run on one machine, whatever CPUs it may use once it runs.
RUN_CPUS = 1.0


def local_shortages(asks: Sequence[Ask], cpus: float) -> Iterator[str]:
    """Yield what does not fit on one machine: Ray hands out its CPUs and lets others wait."""
    serving = [ask for ask in asks if ask.kind == "serving"]
    runs = [ask for ask in asks if ask.kind == "run"]
    at_rest, most = together(serving), together(serving, most=True)
    have = f"local.ray.cpus is {cpus:g}"
    if at_rest.cpus > cpus + 1e-6:
        yield f"the serving replicas take {at_rest.cpus:g} CPUs, {have}: not all start; fix: {_more(at_rest.cpus)}"
        return
    needs = at_rest.cpus + RUN_CPUS
    if runs and needs > cpus + 1e-6:
        names = ", ".join(sorted({run.of for run in runs if run.what == "training"})) or runs[0].of
        yield (
            f"{names}: a run takes {cpu_words(RUN_CPUS)} of Ray's, {have} and the serving replicas hold "
            f"{at_rest.cpus:g}: trainings and materializations wait for ever; fix: {_more(needs)}"
        )
    elif most.cpus > cpus + 1e-6:
        needs = most.cpus
        yield f"scaled out, the serving replicas take {needs:g} CPUs, {have}: the last wait; fix: {_more(needs)}"
    yield from _local_rollouts(serving, cpus)
    for name in dict.fromkeys(f"{ask.of}: its {ask.what}" for ask in asks if ask.size.gpus):
        yield f"{name} asks for GPUs: it waits for ever where this machine has none"


def _local_rollouts(serving: Sequence[Ask], cpus: float) -> Iterator[str]:
    for name in dict.fromkeys(ask.of for ask in serving):
        needs = together(doubled(serving, name)).cpus
        if needs > cpus + 1e-6:
            yield (
                f"{name}: while it is rolled out the new one stands beside the old: {needs:g} CPUs, "
                f"local.ray.cpus is {cpus:g}; fix: {_more(needs)}"
            )


def _more(cpus: float) -> str:
    return f"local: {{ray: {{cpus: {-(-cpus // 1):g}}}}}, or fewer replicas"
