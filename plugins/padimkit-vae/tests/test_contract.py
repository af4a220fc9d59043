"""The contract checks that every density of padimkit goes through."""

from padimkit import DensityModel
from padimkit.testing.pytest import contract_checks
from padimkit_vae import Vae


@contract_checks(DensityModel)
def test_contract(check):
    check(lambda: Vae(latent_channels=2, width=4, epochs=2, batch_size=7, learning_rate=1e-2))


@contract_checks(DensityModel)
def test_contract_with_a_checkpoint(check, tmp_path):
    path = tmp_path / "training"
    check(lambda: Vae(latent_channels=2, width=2, epochs=1, learning_rate=1e-2, checkpoint=path))
    assert not path.exists()
