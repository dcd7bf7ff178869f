"""The optimizers by the names that the options give them."""

from collections.abc import Mapping

from tfstyle.optimizers import adam, lbfgs
from tfstyle.optimizers.optimizer import Optimizer, OptimizerKind, Vector

OPTIMIZERS: Mapping[str, OptimizerKind] = {"lbfgs": lbfgs.KIND, "adam": adam.KIND}

__all__ = ["OPTIMIZERS", "Optimizer", "OptimizerKind", "Vector"]
