"""Labels of a Kind cluster's nodes: whose it is, as what it was made, and which claim GPUs."""

STACK_ID, SHAPE = "groundplan.dev/stack-id", "groundplan.dev/shape"
GPU_LABEL = "nvidia.com/gpu.present"
