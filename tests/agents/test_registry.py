from dataclasses import fields, replace
from importlib.metadata import EntryPoint

import pytest

import ntm_agents
import ntm_baselines
from ntm_agents import AgentSpec, config_class, machines, registry
from ntm_agents.protocol import build
from ntm_agents.registry import find
from ntm_agents.testing import check_model
from ntm_agents.training import learners
from ntm_agents.training.curriculum import Curriculum
from ntm_envs import tasks
from ntm_envs.lookup import load

ROWS = (*ntm_agents.TABLE, *ntm_baselines.TABLE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_and_recipe_can_be_built(row):
    for task_row in tasks.TABLE:
        task = task_row.make()
        if row.learns:
            recipe = row.recipe(task_row.name, task_row.suite)
            build(load(row.entry), task, **recipe.model)
            Curriculum(recipe.train, task, task_row.training)
            assert type(recipe.train) is learners.find(recipe.learner).config
        else:
            agent = row.make(task)
            assert hasattr(agent, "act") or agent is None
    assert set(row.recipes) <= {*tasks.names(), *tasks.suites()}


@pytest.mark.parametrize("row", [row for row in ROWS if row.learns], ids=lambda row: row.name)
def test_the_model_of_every_row_keeps_to_the_protocol(row):
    model, config = load(row.entry), dict(row.default.model)
    if "kernel" in {field.name for field in fields(config_class(model))}:
        config["kernel"] = "reference"  # fused kernels, which take long to compile, have tests of their own
    check_model(model, task=tasks.get("copy"), config=config)


def test_names_are_unique():
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_an_unknown_agent_gets_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'lstm'"):
        find("lsmt", ROWS)


def test_to_import_a_module_of_a_package_imports_none_of_its_machines(monkeypatch):
    monkeypatch.setattr(registry, "import_module", lambda name: pytest.fail(f"{name} is imported"))
    with pytest.raises(AttributeError):
        registry.public_name(machines, "sparse_links")


def test_installed_packages_add_agents(monkeypatch):
    def point(name, value):
        return EntryPoint(name=name, value=value, group="ntm_envs.agents")

    monkeypatch.setattr(ntm_baselines, "theirs", theirs := replace(ROWS[0], name="theirs"), raising=False)
    points = [point("wrong", "ntm_baselines:TABLE"), point("theirs", "ntm_baselines:theirs")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.warns(UserWarning, match="the agent 'wrong' cannot be loaded: .* expected an AgentSpec"):
        assert find("theirs", ROWS) is theirs
    with pytest.warns(UserWarning, match="cannot be loaded"):
        assert set(registry.installed(ROWS)) == {"theirs", *(row.name for row in ROWS)}


FILE = '''
from torch import nn


class Mine(nn.Module):
    """My model.

    More of it.
    """

    def __init__(self, input_size, output_size, *, hidden_size: int = 3, name="x"):
        super().__init__()

    def initial_state(self, batch_size, capacity): ...


class Acts:
    outputs = "answers"

    def __init__(self, task): ...

    def begin(self, num_envs, capacity, seed): ...

    def act(self, observations): ...


class Vague(Acts):
    outputs = "words"


class Neither: ...


class Demanding(Mine):
    def __init__(self, input_size, output_size, hidden_size): ...
'''


def test_references_to_ones_own_classes(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    row = find("./mine.py:Mine", ROWS)
    assert isinstance(row, AgentSpec)
    assert row == AgentSpec(name="Mine", entry=f"{tmp_path}/mine.py:Mine", summary="My model.")
    assert not find("mine.py:Acts", ROWS).learns
    config = config_class(load("./mine.py:Mine"))
    assert vars(config()) == {"hidden_size": 3, "name": "x"}
    with pytest.raises(TypeError, match="expected a model"):
        find("./mine.py:Neither", ROWS)
    with pytest.raises(TypeError, match="outputs"):
        find("./mine.py:Vague", ROWS).make(tasks.get("copy"))
    with pytest.raises(TypeError, match=r"Demanding\.__init__ needs 'hidden_size'"):
        config_class(load("./mine.py:Demanding"))
    with pytest.raises(ValueError, match="did you mean 'Mine'"):
        find("./mine.py:Mina", ROWS)
    with pytest.raises(FileNotFoundError, match=r"other\.py"):
        find("./other.py:Mine", ROWS)
    with pytest.raises(ValueError, match="not a reference"):
        find("mine.py:", ROWS)
    with pytest.raises(ValueError, match="there is no module 'no_such_module'"):
        find("no_such_module.inside:Mine", ROWS)
    (tmp_path / "lacking.py").write_text("import no_such_module", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        find("./lacking.py:Mine", ROWS)


def test_a_file_is_loaded_once_and_again_after_it_failed(tmp_path):
    path = tmp_path / "flaky.py"
    path.write_text("raise RuntimeError('first')", encoding="utf-8")
    with pytest.raises(RuntimeError, match="first"):
        load(f"{path}:x")
    path.write_text("x = object()", encoding="utf-8")
    assert load(f"{path}:x") is load(f"{path}:x")
