"""A flat part that a camera sees at an angle, made to look as if it were seen from above."""

from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float
from PIL import Image

from padimkit.arguments import require_between
from padimkit.arguments.checked import Checked
from padimkit.errors import BadArgument
from padimkit.images.preprocessor import Preprocessor
from padimkit.images.resizing import Size

Corner: TypeAlias = tuple[float, float]
_FAR = 10.0  # sides of the picture, beyond which no corner lies
_FLAT = 1e-3  # of the area of the picture


@final
class Perspective(Preprocessor):
    """A quadrilateral of the picture, such as a board seen at an angle, stretched to a rectangle of its size.

    Args:
        corners: Upper left, upper right, lower right and lower left corner, each [x, y] in shares of the
            picture's width and height.
    """

    checked = Checked(arguments={"corners": ((0.1, 0.0), (0.9, 0.05), (1.0, 1.0), (0.0, 0.95))})

    def __init__(self, corners: tuple[Corner, Corner, Corner, Corner]) -> None:
        self.corners = corners
        for corner in corners:
            for share in corner:
                require_between("corners", share, -_FAR, _FAR)
        if len(corners) != 4 or min(_turns(np.array(corners))) < _FLAT:
            raise BadArgument(
                f'Expected four "corners" clockwise from the upper left, each [x, y], got {corners}.'
            )

    def size(self, size: Size) -> Size:
        """Return the size as it is."""
        return size

    def image(self, picture: Image.Image) -> Image.Image:
        """Return the picture seen from above, resampled bicubically."""
        return self._changed(picture, Image.Resampling.BICUBIC)

    def mask(self, picture: Image.Image) -> Image.Image:
        """Return the mask as the picture is changed, by nearest neighbours."""
        return self._changed(picture, Image.Resampling.NEAREST)

    def to_original(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of the rectangle as points of the original."""
        return _mapped(self._matrix(size), points)

    def to_changed(self, points: Float[np.ndarray, "*n 2"], size: Size) -> Float[np.ndarray, "*n 2"]:
        """Return points of the original as points of the rectangle."""
        return _mapped(np.linalg.inv(self._matrix(size)), points)

    def _changed(self, picture: Image.Image, resampling: Image.Resampling) -> Image.Image:
        matrix = self._matrix((picture.height, picture.width))
        coefficients = tuple((matrix / matrix[2, 2]).ravel()[:8].tolist())
        return picture.transform(picture.size, Image.Transform.PERSPECTIVE, coefficients, resampling)

    def _matrix(self, size: Size) -> Float[np.ndarray, "3 3"]:
        """Return the homography from the rectangle to the quadrilateral (Heckbert 1989, section 2.2.3)."""
        scale = np.array([size[1], size[0]], dtype=float)
        first, second, third, fourth = np.array(self.corners, dtype=float) * scale
        across, down = second - third, fourth - third
        g, h = np.linalg.solve(np.stack([across, down], axis=1), first - second + third - fourth)
        columns = [second - first + g * second, fourth - first + h * fourth, first]
        from_square = np.vstack([np.stack(columns, axis=1), [g, h, 1.0]])
        return np.asarray(from_square @ np.diag([1 / scale[0], 1 / scale[1], 1.0]))


def _mapped(matrix: Float[np.ndarray, "3 3"], points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
    found = np.concatenate([points, np.ones((*np.shape(points)[:-1], 1))], axis=-1) @ matrix.T
    return np.asarray(found[..., :2] / found[..., 2:])


def _turns(corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """Return the cross products of neighbouring sides: all positive if the corners go round clockwise."""
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    return np.asarray(sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0])
