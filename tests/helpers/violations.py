"""Which checks a part fails."""

from contextlib import suppress

from padimkit.testing.check import CannotBeChecked, ContractViolation, NotApplicable
from padimkit.testing.suite import checks_of

# These ask in another way for what other checks ask for: what is broken for one check may fail them too.
# `tests/testing/mistakes` holds the mistakes that they alone find.
BROAD = {
    "changes_lie_where_the_defect_is",
    "maps_in_other_places_get_worse_values",
    "maps_are_not_shifted",
    "all_batches_are_learnt",
    "batches_of_fit_do_not_matter",
    "all_positions_are_learnt",
    "training_data_matter",
    "all_channels_are_scored",
    "worse_defects_score_higher",
    "anomalies_stand_out_beside_constant_channels",
    "spread_of_all_batches_is_learnt",
    "calls_may_meet_anywhere",
    "small_differences_count",
    "constant_channels_are_taken",
    "few_images_are_taken",
    "descriptors_may_be_missing",
    "large_means_do_not_matter",
    "earlier_use_does_not_matter",
    "embeddings_are_known_by_their_content",
    "images_are_known_by_their_content",
    "nothing_is_kept_of_what_is_seen",
    "leaves_the_program_alone",
    "large_batches_are_taken_whole",
    "earlier_shapes_do_not_matter",
    "features_can_be_trained_on",
    "embeddings_can_be_trained_on",
    "pictures_are_taken_from_0_to_1",
    "import_leaves_the_program_alone",
    "writes_nothing_unasked",
    "no_results_are_kept",
    "arguments_have_names",
    "other_processes_give_the_same",
    "backbone_moves_as_a_whole",
    "learning_stays_on_the_device",
    "restored_weights_need_no_file",
    "train_and_test_share_no_picture",
    "normal_folders_hold_normal_images",
    "masks_mark_the_anomalies",
    "masks_lie_where_images_differ",
    "pictures_are_not_listed_twice",
    "making_it_reads_nothing",
    "named_values_have_directions",
    "named_values_are_those_of_directions",
    "named_values_are_never_nan",
    "better_predictions_get_better_named_values",
    "named_values_are_of_all_batches",
    "image_values_are_in_order",
    "known_anomalies_score_higher",
    "anomalies_without_masks_are_taken",
    "no_anomalies_are_a_fit",
    "second_fit_forgets_anomalies",
    "learnt_anomalies_are_stored",
    "anomalies_are_not_modified",
    "descriptors_that_count_are_learnt",
    "learnt_images_may_be_overwritten",
    "refused_states_change_nothing",
    "far_patches_do_not_matter",
    "higher_scores_give_higher_maps",
}


def failed_checks(contract, make, *, besides=frozenset()):
    """The names of those that it fails; those named `besides`, and broad ones, are not run."""
    return {
        check.name
        for check in checks_of(contract)
        if check.name not in besides | BROAD and _fails(check, make)
    }


def _fails(check, make):
    with suppress(NotApplicable, CannotBeChecked):
        try:
            check(make)
        except ContractViolation:
            return True
    return False
