"""Mistakes in levels."""

import torch

from padimkit import Features, Levels, Pyramid


class Right(Levels):
    """Each layer for itself."""

    def layer(self, maps):
        return maps

    def split(self, features):
        return {
            name: Pyramid((self.layer(maps),), features.descriptor) for name, maps in features.maps.items()
        }


class Mirrored(Right):
    """The positions are mirrored."""

    def layer(self, maps):
        return maps.flip(3)


class Reshaped(Right):
    """Positions are laid out as if rows were columns."""

    def layer(self, maps):
        count, channels, height, width = maps.shape
        return maps.reshape(count, channels, width, height).mT


class CoarsestFirst(Right):
    """Layers of one embedding come in the wrong order."""

    def split(self, features):
        return {"all": Pyramid(tuple(features.maps.values())[::-1], features.descriptor)}


class Undescribed(Right):
    """The descriptor is forgotten."""

    def split(self, features):
        return super().split(Features(features.maps))


class Numbered(Right):
    """Embeddings are numbered by integers."""

    def split(self, features):
        return dict(enumerate(super().split(features).values()))


class Nested(Right):
    """Names are paths, which a stored state takes apart."""

    def split(self, features):
        return {f"layers/{name}": one for name, one in super().split(features).items()}


class PerImage(Right):
    """Each image of a batch has an embedding of its own."""

    def split(self, features):
        count = len(next(iter(features.maps.values())))
        return {f"image{i}": one for i in range(count) for one in super().split(features).values()}


class OfBatch(Right):
    """Layers are centred by the mean of the batch."""

    def layer(self, maps):
        return maps - maps.mean((0, 2, 3), keepdim=True)


class Scaled(Right):
    """Layers are divided by their spread, which constant ones do not have."""

    def layer(self, maps):
        return maps / maps.std((1, 2, 3), keepdim=True)


class InPlace(Right):
    """Layers are squared in their own memory."""

    def layer(self, maps):
        return maps.square_()


class Looped(Right):
    """Images are handled one by one, as many as there are."""

    def layer(self, maps):
        return torch.stack([maps[i] for i in range(len(maps))])


class OnTheProcessor(Right):
    """Weights are on the CPU, wherever the features are."""

    def layer(self, maps):
        return torch.einsum("bchw,c->bchw", maps, torch.ones(maps.shape[1], device="cpu"))


MISTAKES = {
    Mirrored: "changes_lie_where_they_are_in_the_features",
    Reshaped: "changes_lie_where_they_are_in_the_features",
    CoarsestFirst: "gives_embeddings_by_name",
    Undescribed: "descriptors_go_with_each_embedding",
    Numbered: "gives_embeddings_by_name",
    Nested: "gives_embeddings_by_name",
    PerImage: "names_do_not_depend_on_the_images",
    OfBatch: "batch_size_does_not_matter",
    Scaled: "embeddings_are_finite",
    InPlace: "input_is_not_modified",
    Looped: "traced_embeddings_equal_embeddings",
    OnTheProcessor: "embeddings_stay_on_the_device",
}
