import json
import pickle

import numpy as np
import PIL.Image
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandomApply, RandomRotation
from torchvision.transforms.v2.functional import rotate

from padimkit import Gaussian, Identity, Pipeline, Pixels, load, save
from padimkit.cli.main import main
from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadArgument
from padimkit.images.augmentation import Augmentation, augmented
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.progress import Progress
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.images.transforms import transform_of

SIZES = Preprocessing(resize=40, crop=24)
TURN = "RandomRotation(degrees=20)"
FLIP = "RandomHorizontalFlip(p=1)"


def train(root, workers=0, batch_size=5):
    return Reader(SIZES, batch_size, workers).batches(MVTec(root, "stripes").train())


def images_of(batches):
    return torch.cat([batch.images for batch in batches])


def paths_of(batches):
    return [path for batch in batches for path in batch.paths]


def test_without_transforms_the_batches_are_given_as_they_are(stripes):
    batches = train(stripes)
    assert augmented(batches, Augmentation()) is batches


def test_a_flip_flips_before_the_crop(stripes):
    whole = images_of(Reader(Preprocessing(40, 40)).batches(MVTec(stripes, "stripes").train()))
    found = images_of(augmented(train(stripes), Augmentation((FLIP,))))
    assert torch.equal(found, whole.flip(3)[:, :, 8:32, 8:32])


def test_the_place_of_a_random_crop_is_random_within_what_is_resized(stripes):
    """Each variant is found in the resized image, within the margin that the random crop leaves."""
    whole = images_of(Reader(Preprocessing(40, 40)).batches(MVTec(stripes, "stripes").train()))
    found = images_of(augmented(train(stripes), Augmentation(("RandomCrop(size=36)",))))
    places = set()
    for one, image in zip(found, whole, strict=True):
        windows = image.unfold(1, 24, 1).unfold(2, 24, 1)
        hits = (windows == one[:, None, None]).all(0).all(-1).all(-1).nonzero().tolist()
        assert len(hits) == 1 and all(6 <= value <= 10 for value in hits[0])
        places.add(tuple(hits[0]))
    assert len(places) > 3


def test_so_many_variants_are_made_in_turn_of_each_image(stripes):
    plain = paths_of(train(stripes))
    batches = augmented(train(stripes), Augmentation((TURN,), images=30))
    images = images_of(batches)
    assert len(batches) == 6 and len(images) == 30
    assert paths_of(batches) == [*plain, *plain, *plain[:6]]
    assert not torch.equal(images[:12], images[12:24])


def test_variants_are_the_same_in_each_loop_with_each_batch_size_and_with_threads(stripes):
    augmentation = Augmentation((TURN, "ColorJitter(brightness=0.3)"), images=30)
    expected = images_of(augmented(train(stripes), augmentation))
    for batches in (train(stripes), train(stripes, batch_size=7), train(stripes, workers=3)):
        variants = augmented(batches, augmentation)
        assert torch.equal(images_of(variants), expected) and torch.equal(images_of(variants), expected)


def test_each_seed_has_its_own_variants(stripes):
    found = [images_of(augmented(train(stripes), Augmentation((TURN,), seed=seed))) for seed in (1, 1, 2)]
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_the_variants_of_an_image_do_not_depend_on_others(stripes):
    augmentation = Augmentation((TURN,))
    before = images_of(augmented(train(stripes), augmentation))
    (stripes / "stripes" / "train" / "good" / "000.png").unlink()
    assert torch.equal(images_of(augmented(train(stripes), augmentation)), before[1:])


def test_the_shared_generators_are_left_alone(stripes):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    images_of(augmented(train(stripes), Augmentation((TURN,))))
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


QUARTER = "RandomRotation(degrees=[90, 90])"


@pytest.mark.parametrize("crop", [24, None])
def test_an_image_can_be_turned_before_it_is_resized(stripes, crop):
    turn = "RandomRotation(degrees=[30, 30], interpolation=InterpolationMode.BILINEAR)"
    augmentation = Augmentation((FLIP,), before_resize=(turn,))
    samples = MVTec(stripes, "stripes").train()
    found = images_of(augmented(Reader(Preprocessing(40, crop)).batches(samples), augmentation))
    for image, sample in zip(found, samples, strict=True):
        whole = torch.from_numpy(np.array(sample.picture(None, 10**6))).permute(2, 0, 1)
        turned = rotate(whole, 30, InterpolationMode.BILINEAR, fill=0).permute(1, 2, 0).numpy()
        expected = np.asarray(PIL.Image.fromarray(turned).resize((40, 40), PIL.Image.Resampling.BICUBIC))[
            :, ::-1
        ]
        expected = expected if crop is None else expected[8:32, 8:32]
        np.testing.assert_array_equal((image.permute(1, 2, 0) * 255).round(), expected)
    again = augmented(Reader(Preprocessing(40, crop), 3, 2).batches(samples), augmentation)
    assert torch.equal(images_of(again), found)


def test_a_mask_is_turned_and_resized_with_its_image(tmp_path):
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[8:40, 24:32] = 255
    for name in ("image", "mask"):
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    sample = Sample(tmp_path / "image.png", anomalous=True, mask=tmp_path / "mask.png")
    batches = Reader(Preprocessing((20, 30), None)).batches([sample])
    (batch,) = augmented(batches, Augmentation(before_resize=(QUARTER,)))
    assert batch.masks.shape == (1, 20, 30) and batch.masks.any()
    assert torch.equal(batch.masks[0], batch.images[0, 0] > 0.5)
    (plain,) = batches
    assert not torch.equal(plain.masks, batch.masks)


def test_masks_move_with_their_images():
    image = np.zeros((20, 30, 3), np.uint8)
    image[4:9, 5:12] = 255
    mask = torch.from_numpy(image[:, :, 0] > 0)
    turned, marked = Augmentation((FLIP, TURN)).variant(image, mask, name="a", number=0)
    assert torch.equal(torch.from_numpy(turned[:, :, 0] > 0), marked) and marked.any()
    assert not torch.equal(marked, mask)


def pipeline(**arguments):
    return Pipeline(
        Pixels(), Identity(), Gaussian(), preprocessing=SIZES, augmentation=Augmentation(**arguments)
    )


def test_a_pipeline_learns_from_variants_and_is_tested_on_images(stripes):
    plain, varied = pipeline(), pipeline(transforms=(FLIP,))
    plain.fit([batch for batch in augmented(train(stripes), varied.augmentation)])
    varied.fit(Progress(train(stripes), "Fitting"))
    test = Reader(SIZES).batches(MVTec(stripes, "stripes").test())
    for batch in test:
        assert torch.equal(plain.predict_batch(batch).anomaly_maps, varied.predict_batch(batch).anomaly_maps)
    varied.update(train(stripes))
    plain.update(augmented(train(stripes), varied.augmentation))
    assert torch.equal(plain.predict_batch(batch).anomaly_maps, varied.predict_batch(batch).anomaly_maps)


def test_batches_that_cannot_be_augmented_are_refused(stripes):
    with pytest.raises(BadArgument, match="Expected batches that can be augmented, got list"):
        pipeline(transforms=(TURN,)).fit(list(train(stripes)))
    with pytest.raises(BadArgument, match="got list"):
        pipeline(transforms=(TURN,)).fit(Progress(list(train(stripes)), "Fitting"))


def test_the_augmentation_is_stored_and_needs_no_trust(stripes, tmp_path):
    fitted = pipeline(
        transforms=(TURN, "RandomApply([GaussianBlur(kernel_size=3)], p=0.3)"), images=20, seed=3
    )
    fitted.fit(train(stripes))
    save(fitted, tmp_path / "model")
    assert load(tmp_path / "model").augmentation == fitted.augmentation
    assert pickle.loads(pickle.dumps(fitted.augmentation)) == fitted.augmentation


def test_files_and_the_command_line_can_say_it(stripes, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "pipeline:\n"
        "  backbone: pixels\n"
        "  reducer: identity\n"
        "  density: gaussian\n"
        "  preprocessing: {resize: 40, crop: 24}\n"
        f"  augmentation: {{transforms: ['{TURN}'], images: 24}}\n"
        f"data: {{class_path: mvtec, init_args: {{root: {stripes}, category: stripes}}}}\n"
    )
    result = tmp_path / "result.json"
    assert main(["evaluate", str(settings), "--seed=5", f"--output={result}"]) == 0
    stored = json.loads(result.read_text())["config"]["pipeline"]["augmentation"]
    assert stored == {"transforms": [TURN], "images": 24, "seed": 5, "before_resize": []}


def test_transforms_are_made_as_they_are_written():
    made = transform_of("RandomRotation([-2, 3], interpolation=InterpolationMode.BILINEAR, fill=0.5)")
    assert isinstance(made, RandomRotation)
    assert made.degrees == [-2.0, 3.0] and made.interpolation is InterpolationMode.BILINEAR
    nested = transform_of("RandomApply(transforms=[RandomRotation(5), RandomCrop(size=3)], p=0.25)")
    assert isinstance(nested, RandomApply) and len(nested.transforms) == 2 and nested.p == 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RandomRotatoin(degrees=2)", 'has no "RandomRotatoin"; did you mean RandomRotation'),
        ("RandomRotation()", "missing 1 required"),
        ("RandomRotation(degres=2)", "unexpected keyword"),
        ("RandomRotation(degrees=2", "cannot be made"),
        ("RandomRotation(2, interpolation=InterpolationMode.NEARBY)", "NEARBY"),
        ("RandomRotation", "cannot be made"),
        ("[RandomRotation(degrees=2)]", "is not a transform"),
        ("3", "is not a transform"),
        ("__import__('os').getcwd()", "has no"),
        ("os.system('true')", "has no"),
        ("Lambda(print)", "cannot be made"),
        ("RandomRotation(**{'degrees': 2})", r'"\*\*" cannot be used'),
    ],
)
def test_what_makes_no_transform_is_refused(text, message):
    with pytest.raises(BadArgument, match=message):
        Augmentation((text,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transforms": (TURN,), "images": 0}, '"images" of at least 1, got 0'),
        ({"before_resize": (TURN,), "images": 11}, "is 11, but there are 12 training images"),
        ({"before_resize": ("Grayscale()",)}, r"^Grayscale\(\): the result is not an RGB image in bytes"),
        ({"images": 5}, 'no "transforms" to make them'),
        ({"transforms": (TURN,), "images": 11}, "is 11, but there are 12 training images"),
        ({"transforms": ("RandomCrop(size=50)",)}, 'good/000.png" cannot be augmented by RandomCrop'),
        ({"transforms": ("CenterCrop(size=20)",)}, "centre of 24 x 24 .* cut from 20 x 20"),
        ({"transforms": ("ToDtype(torch.float32)",)}, "cannot be made"),
        ({"transforms": ("FiveCrop(size=30)",)}, "cannot be augmented by FiveCrop"),
        ({"transforms": ("Grayscale()",)}, "is not an RGB image in bytes"),
    ],
)
def test_what_cannot_be_done_is_refused(stripes, arguments, message):
    with pytest.raises(BadArgument, match=message):
        pipeline(**arguments).fit(train(stripes))
