"""What a target needs to know of a plan before anything is made: pure, like the plan itself."""
