"""The hyperparameters that each kind of model takes, so that a typo is told before anything is trained.

Held against the libraries themselves by ``tests/runtime/test_hyperparameters.py``. Kind ``python`` takes what it likes.
"""

HYPERPARAMETERS: dict[str, frozenset[str]] = {
    "xgboost": frozenset(
        {
            "base_score",
            "booster",
            "colsample_bylevel",
            "colsample_bynode",
            "colsample_bytree",
            "device",
            "early_stopping_rounds",
            "enable_categorical",
            "eval_metric",
            "feature_types",
            "feature_weights",
            "gamma",
            "grow_policy",
            "importance_type",
            "interaction_constraints",
            "learning_rate",
            "max_bin",
            "max_cat_threshold",
            "max_cat_to_onehot",
            "max_delta_step",
            "max_depth",
            "max_leaves",
            "min_child_weight",
            "missing",
            "monotone_constraints",
            "multi_strategy",
            "n_estimators",
            "num_parallel_tree",
            "objective",
            "random_state",
            "reg_alpha",
            "reg_lambda",
            "sampling_method",
            "scale_pos_weight",
            "subsample",
            "tree_method",
            "validate_parameters",
            "verbosity",
        }
    ),
    "linear": frozenset({"alpha", "fit_intercept"}),
}
