"""Weights that are kept on the way (`keep_every`)."""

from tiny_runs import lines, tiny_run

from ntm_agents import Trainer, load_run
from ntm_agents.training.run import read_summary


def test_weights_on_the_way_are_kept_as_runs_and_change_nothing(tmp_path):
    Trainer(tiny_run(), tmp_path / "plain").train()
    Trainer(tiny_run(keep_every=150), tmp_path / "kept").train()
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "kept")]
    assert weights[0] == weights[1]
    validations = {
        line["sequences"]: line["validation_loss"]
        for line in lines(tmp_path / "kept")
        if "validation_loss" in line
    }
    kept = sorted((tmp_path / "kept" / ".kept").iterdir(), key=lambda path: int(path.name))
    # Validations are at 104, 208, 312 and 400.
    assert [int(path.name) for path in kept] == [208, 312]
    for path in kept:
        model, run = load_run(path)
        again = Trainer(run)
        again._averaged.load_state_dict(model.state_dict())
        again.validate()
        assert again.counters.best_loss == validations[int(path.name)]
        assert read_summary(path)["kept_at_sequences"] == int(path.name)
