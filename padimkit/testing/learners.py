"""Checks of reducers and density models, which learn from embeddings and are applied to others."""

from typing import Any

import torch

from padimkit.testing import (
    costs,
    devices,
    elsewhere,
    history,
    imports,
    learning,
    manners,
    parts,
    places,
    refusals,
    states,
    threads,
    updates,
)
from padimkit.testing.answers import CUDA_ROUNDING, ROUNDING, copied, difference, left_alone, require_finite
from padimkit.testing.check import Check, Make, NotApplicable, checks, checks_with, require
from padimkit.testing.inputs.embeddings import (
    Apply,
    fitted,
    joined,
    moved,
    part_of,
    positions,
    probe,
    stream,
    tensors_of,
    training,
    usage_of,
)
from padimkit.testing.inputs.scale import has_chosen_size
from padimkit.testing.states import can_be_written_down
from padimkit.values import Embedding

_TALL = (5, 3)  # rows and columns


def learner_checks(contract: type[Any], apply: Apply) -> tuple[Check, ...]:
    """Return the checks that reducers and density models share; `apply` uses a fitted one."""
    return (
        *checks_with(contract, usage_of(apply), parts.keeps_its_arguments),
        *checks(contract, manners.arguments_have_names, can_be_written_down),
        *checks_with(
            contract,
            apply,
            input_is_not_modified,
            memory_layout_does_not_matter,
            batch_size_does_not_matter,
            places.changes_lie_where_the_defect_is,
            learning.all_batches_are_learnt,
            learning.batches_of_fit_do_not_matter,
            learning.all_positions_are_learnt,
            learning.learnt_images_may_be_overwritten,
            learning.constant_channels_are_taken,
            learning.few_images_are_taken,
            learning.descriptors_may_be_missing,
            history.embeddings_are_known_by_their_content,
            last_batch_may_hold_one_image,
            tall_grids_are_taken,
            results_carry_no_gradient,
            second_fit_forgets_the_first,
            states.state_is_named_tensors,
            states.restored_state_gives_the_same_result,
            states.restored_state_is_written_again,
            states.loading_forgets_what_was_learnt,
            refusals.changed_states_are_refused,
            refusals.refused_states_change_nothing,
            states.loading_leaves_the_state_alone,
            states.use_leaves_the_state_alone,
            states.state_does_not_grow_with_each_fit,
            updates.update_equals_one_fit,
            updates.first_update_is_a_fit,
            updates.restored_part_can_be_updated,
            updates.merge_equals_one_fit,
            updates.merge_leaves_the_other_alone,
            threads.calls_from_threads_equal_calls_in_turn,
            threads.calls_may_meet_anywhere,
            costs.stated_bytes_are_there,
        ),
        *checks_with(
            contract,
            usage_of(apply),
            parts.same_arguments_give_the_same_result,
            parts.another_seed_gives_another_result,
            parts.leaves_global_random_state_alone,
            parts.repeats_itself,
            history.earlier_use_does_not_matter,
            history.nothing_is_kept_of_what_is_seen,
            manners.leaves_the_program_alone,
            manners.writes_nothing_unasked,
            manners.no_results_are_kept,
            elsewhere.other_processes_give_the_same,
            parts.earlier_results_stay,
            parts.instances_share_nothing,
            parts.can_be_copied,
            parts.can_be_pickled,
        ),
        # Late: until it has imported the module too, the other process would let all others wait.
        *checks(contract, imports.import_leaves_the_program_alone),
        *checks_with(contract, apply, devices.learning_stays_on_the_device, computes_on_cuda),
    )


def input_is_not_modified(make: Make, apply: Apply) -> None:
    """Embeddings that are passed in stay unchanged, in fit and afterwards."""
    part, data, unseen = make(), training("first"), probe("first")
    with left_alone(tensors_of(data), "the embeddings given to fit"):
        part.fit(stream(data))
    with left_alone(tensors_of(unseen), "the embedding given after fit"):
        apply(part, unseen)


def memory_layout_does_not_matter(make: Make, apply: Apply) -> None:
    """Channels-last tensors, as many backbones return them, give the same result as contiguous ones."""
    part = fitted(make)
    expected = copied(apply(part, probe("first")))
    changed = difference(apply(part, _channels_last(probe("first"))), expected, relative=ROUNDING)
    require(not changed, f"Expected the same result from a channels-last embedding, found {changed}.")
    make().fit(stream(_channels_last(training("first"))))


def batch_size_does_not_matter(make: Make, apply: Apply) -> None:
    """Images get the same result alone as in a batch with others."""
    part = fitted(make)
    together = copied(apply(part, probe("first")))
    for index in range(len(probe("first").patches)):
        alone = apply(part, part_of(probe("first"), index, index + 1))
        expected = {name: tensor[index : index + 1] for name, tensor in together.items()}
        changed = difference(alone, expected, relative=ROUNDING)
        require(not changed, f"Expected the same for an image alone as in a batch, found {changed}.")


def last_batch_may_hold_one_image(make: Make, apply: Apply) -> None:
    """Fitting works if the last batch holds a single image."""
    data = training("first")
    part = make()
    part.fit(stream(part_of(data, 0, 22), batch_size=7))
    normal = part_of(probe("first"), 0, 3)
    require_finite(apply(part, normal), "results after a last batch of one image")


def tall_grids_are_taken(make: Make, apply: Apply) -> None:
    """Grids of positions that are odd and higher than wide, as of rectangular images, give results alike."""
    if apply(fitted(make), probe("first"))["patches"].shape[-2:] != probe("first").patches.shape[-2:]:
        raise NotApplicable("Its results have other positions anyway.")
    part, tall = make(), _tall_size()
    size = " x ".join(map(str, tall))
    part.fit(stream(_tall(training("first"))))
    found = apply(part, _tall(probe("first")))
    require_finite(found, f"results for {size} positions")
    shape = tuple(found["patches"].shape[-2:])
    require(shape == tall, f"Expected results for {size} positions, found {shape[0]} x {shape[1]}.")


def second_fit_forgets_the_first(make: Make, apply: Apply) -> None:
    """Fitting again forgets the first fit: unseen images get the result of a fresh instance."""
    expected = apply(fitted(make), probe("first"))
    part = make()
    # A nearest neighbour is never among far-off training images: some of the first fit must be near.
    part.fit(stream(joined(probe("first"), training("second"))))
    apply(part, probe("first"))  # a cache must be forgotten as well
    part.fit(stream(training("first")))
    changed = difference(apply(part, probe("first")), expected, relative=ROUNDING)
    require(not changed, f"Expected a second fit to forget the first, found {changed}.")


def results_carry_no_gradient(make: Make, apply: Apply) -> None:
    """Results carry no gradient graph, which would keep every image in memory."""
    for name, tensor in apply(fitted(make), probe("first")).items():
        require(not tensor.requires_grad, f'Expected "{name}" without gradient, found one that requires it.')


def computes_on_cuda(make: Make, apply: Apply) -> None:
    """Embeddings on a GPU give results on that GPU, equal to those on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("There is no CUDA device here.")
    computes_on(torch.device("cuda", 0), make, apply)


def computes_on(device: torch.device, make: Make, apply: Apply) -> None:
    """Fit on a device, and load there a state fitted on the CPU, as a pipeline does."""
    unseen = moved(probe("first"), device)
    there = make()
    there.fit([moved(training("first"), device)])
    here, arrived = fitted(make), make()
    arrived.load_state_dict({name: tensor.to(device) for name, tensor in here.state_dict().items()})
    for part in (there, arrived):
        for name, tensor in apply(part, unseen).items():
            require(tensor.device == device, f'Expected "{name}" on {device}, found it on {tensor.device}.')
    changed = difference(apply(arrived, unseen), apply(here, probe("first")), relative=CUDA_ROUNDING)
    require(not changed, f"Expected the same result on {device} as on the CPU, found {changed}.")


def _tall_size() -> tuple[int, int]:
    """Return rows and columns; where a class chooses the size, turned by 90 degrees."""
    return positions()[::-1] if has_chosen_size() else _TALL


def _tall(embedding: Embedding) -> Embedding:
    height, width = _tall_size()
    patches = embedding.patches.mT if has_chosen_size() else embedding.patches
    return Embedding(patches[:, :, :height, :width].contiguous(), embedding.descriptor)


def _channels_last(embedding: Embedding) -> Embedding:
    return Embedding(embedding.patches.contiguous(memory_format=torch.channels_last), embedding.descriptor)
