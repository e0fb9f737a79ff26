"""Rules of the control plane, without a process."""
