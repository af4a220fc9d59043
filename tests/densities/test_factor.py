import numpy as np
import pytest
import torch

from padimkit.densities._factor import FullFactor, HalfFactor, lower_triangle, rectangle

CPU = torch.device("cpu")


def lengths(factor, matrices, vectors, mean):
    """Writes in two portions, reads in two others."""
    for portion in (slice(0, 2), slice(2, len(matrices))):
        factor.write(portion, matrices[portion])
    return torch.cat(
        [
            factor.lengths(factor.deviations(vectors[:, part], mean[part]), part)
            for part in (slice(0, 4), slice(4, len(matrices)))
        ]
    )


def plain(matrices, vectors, mean):
    deviations = (vectors.double() - mean.double()).numpy()
    return np.linalg.norm(np.einsum("prd,npd->pnr", matrices.double().numpy(), deviations), axis=2)


def assert_rounded(found, expected, sizes, *, share):
    """Each length is right to a share of the sizes of its terms, which may cancel each other."""
    assert (np.abs(found.double().numpy() - expected) <= share * sizes).all()


def sizes_of(matrices, vectors, mean):
    """Lengths where no term cancels another."""
    return plain(matrices.abs(), vectors.abs(), -mean.abs())


def inputs(generator, rows, columns):
    matrices = torch.rand(5, rows, columns, generator=generator, dtype=torch.float64)
    vectors, mean = (
        torch.randn(3, 5, columns, generator=generator),
        torch.randn(5, columns, generator=generator),
    )
    return matrices, vectors, mean


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (16, 16), (17, 50), (208, 300)])
def test_lengths_of_products_with_a_rectangle(generator, rows, columns):
    matrices, vectors, mean = inputs(generator, rows, columns)
    expected = plain(matrices, vectors, mean)
    full = FullFactor(5, rectangle(rows, columns), dtype=torch.float32, device=CPU)
    sizes = sizes_of(matrices, vectors, mean)
    assert_rounded(lengths(full, matrices, vectors, mean), expected, sizes, share=1e-6)
    half = HalfFactor(5, rectangle(rows, columns), device=CPU)
    np.testing.assert_allclose(lengths(half, matrices, vectors, mean), expected, rtol=0.03, atol=0.02)


def test_a_product_that_nearly_cancels_is_as_exact_as_its_terms():
    matrices, vectors, mean = inputs(torch.Generator().manual_seed(366), 1, 3)
    expected, sizes = plain(matrices, vectors, mean), sizes_of(matrices, vectors, mean)
    assert (expected < 1e-4 * sizes).any()
    full = FullFactor(5, rectangle(1, 3), dtype=torch.float32, device=CPU)
    assert_rounded(lengths(full, matrices, vectors, mean), expected, sizes, share=1e-6)


@pytest.mark.parametrize("side", [1, 2, 15, 16, 17, 64, 65, 100, 131])
def test_lengths_of_products_with_a_triangle(generator, side):
    matrices, vectors, mean = inputs(generator, side, side)
    matrices = matrices.tril()
    expected = plain(matrices, vectors, mean)
    full = FullFactor(5, lower_triangle(side), dtype=torch.float64, device=CPU)
    sizes = sizes_of(matrices, vectors, mean)
    assert_rounded(lengths(full, matrices, vectors, mean.double()), expected, sizes, share=1e-14)
    half = HalfFactor(5, lower_triangle(side), device=CPU)
    np.testing.assert_allclose(lengths(half, matrices, vectors, mean), expected, rtol=0.03, atol=0.02)


@pytest.mark.parametrize("side", [1, 7, 16, 100, 550])
def test_a_staircase_holds_the_triangle_and_little_else(side):
    held = np.zeros((side, side), bool)
    for block in lower_triangle(side):
        held[block.rows, : block.width] = True
    assert held[np.tril_indices(side)].all()
    assert held.sum() <= (0.66 * side**2 if side >= 100 else side**2)
