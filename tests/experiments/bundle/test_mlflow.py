"""`creditfusion bundle mlflow`: what MLflow loads gives the scores of the bundle, and loses no row."""

from __future__ import annotations

import json
import pickle
import pickletools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fusion
from experiments.bundle.mlflow.example import example_row
from fusion.bundle import verify
from tests.support.command_line import creditfusion
from tests.support.explained import BROKEN, Trained
from tests.support.signing_keys import make_keys

mlflow = pytest.importorskip("mlflow.pyfunc", reason="needs mlflow-skinny (the extra mlflow)")
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # from how MLflow compares columns


@pytest.fixture(scope="module")
def written(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, moved to another place, without the encoder that training had."""
    folder = tmp_path_factory.mktemp("mlflow")
    assert creditfusion("bundle", "mlflow", trained.model, "--out", folder / "made", "--reasons", 2) == 0
    return (folder / "made").rename(folder / "moved")


@pytest.fixture(scope="module")
def predicted(trained: Trained, written: Path) -> pd.DataFrame:
    """Of all new applications, under labels of which one stands twice."""
    table = trained.table.set_axis(["twice", "twice", *range(2, len(trained.table))])
    found = mlflow.load_model(str(written)).predict(table)
    assert isinstance(found, pd.DataFrame)
    return found


def test_every_row_comes_back_in_its_place(trained: Trained, predicted: pd.DataFrame) -> None:
    assert list(predicted.index) == ["twice", "twice", *range(2, len(trained.table))]
    kept = np.arange(len(trained.table)) != BROKEN
    assert list(predicted["id"][kept]) == list(trained.table["application_id"][kept])
    assert predicted["pd"][kept].between(0, 1).all()
    assert set(predicted["decision"][kept]) <= {"approve", "decline"}


def test_scores_are_those_of_the_bundle(trained: Trained, predicted: pd.DataFrame) -> None:
    own = fusion.load(trained.model, reasons=2).score(trained.table.reset_index(drop=True)).scores
    same = predicted.reset_index(drop=True).loc[own.index, own.columns]
    pd.testing.assert_frame_equal(same, own, check_dtype=False)
    assert max(len(codes) for codes in same["reasons"]) == 2


def test_a_rejected_row_has_no_pd_but_its_rule(predicted: pd.DataFrame) -> None:
    broken = predicted.iloc[BROKEN]
    assert np.isnan(broken["pd"])
    assert np.isnan(broken["score"])
    assert (broken["decision"], broken["reasons"]) == ("", [])
    assert (broken["rejected_column"], broken["rejected_rule"]) == ("amount", "type")
    assert "number" in broken["rejected_message"]
    assert (predicted["rejected_rule"] != "").sum() == 1


def test_all_rows_rejected_or_none_have_the_same_columns(trained: Trained, written: Path) -> None:
    model = mlflow.load_model(str(written))
    worst, best = model.predict(trained.table.iloc[[BROKEN]]), model.predict(trained.table.iloc[[0]])
    assert list(worst.columns) == list(best.columns)
    assert worst["pd"].isna().all()
    assert best["rejected_rule"].tolist() == [""]


def test_reasons_may_be_left_out_when_it_is_loaded(trained: Trained, written: Path) -> None:
    model = mlflow.load_model(str(written), model_config={"reasons": 0})
    assert "reasons" not in model.predict(trained.table.head(1))


def test_the_signature_names_every_column_and_a_missing_one_is_refused(trained: Trained, written: Path) -> None:
    model = mlflow.load_model(str(written))
    needed = model.metadata.get_input_schema().required_input_names()
    assert set(needed) >= {"amount", "home", "statement"}
    assert not {"outcome", "sex", "application_id"} & set(needed)
    outputs = model.metadata.get_output_schema().input_names()
    assert outputs == list(model.predict(trained.table.head(1)).columns)
    with pytest.raises(mlflow.MlflowException, match="missing inputs \\['amount'\\]"):
        model.predict(trained.table.drop(columns="amount"))


def test_the_example_is_invented_and_is_scored(trained: Trained, written: Path) -> None:
    model = mlflow.load_model(str(written))
    example = pd.read_json(written / "input_example.json", orient="split", dtype=False)
    predicted = model.predict(example)
    assert predicted["rejected_rule"].tolist() == [""]
    past = pd.read_csv(trained.folder / "past.csv")
    assert not past["application_id"].isin(example["application_id"]).any()
    assert list(example.iloc[0]) == list(example_row(fusion.load(trained.model).schema).values())


def test_it_holds_the_bundle_as_it_is_its_encoder_and_no_pickle(trained: Trained, written: Path) -> None:
    data = written / "data" / "creditfusion"
    assert verify(data / "bundle")[0] == verify(trained.model)[0]
    assert (data / "encoder" / "model.safetensors").read_bytes() == (
        trained.folder / "encoder" / "model.safetensors"
    ).read_bytes()
    files = [file for file in written.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {"", ".json", ".md", ".safetensors", ".sha256", ".txt", ".yaml"}
    assert not [file for file in files if is_pickle(file.read_bytes())]
    assert is_pickle(pickle.dumps({"a": [1]}))


def is_pickle(content: bytes) -> bool:
    try:
        return bool(list(pickletools.genops(content)))
    except ValueError:
        return False


def test_it_names_the_model_and_what_it_was_trained_with(trained: Trained, written: Path) -> None:
    manifest = verify(trained.model)[0]
    metadata = mlflow.load_model(str(written)).metadata
    assert metadata.metadata["creditfusion"]["model_id"] == manifest.model_id
    requirements = (written / "requirements.txt").read_text().splitlines()
    versions = manifest.provenance.versions
    assert f"creditfusion=={versions['creditfusion']}" in requirements
    assert f"torch=={versions['torch'].partition('+')[0]}" in requirements


def test_a_signature_goes_along_and_can_be_demanded(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, bundle = make_keys(tmp_path), shutil.copytree(trained.model, tmp_path / "model")
    assert creditfusion("bundle", "sign", bundle, "--key", keys.private) == 0
    assert creditfusion("bundle", "mlflow", bundle, "--out", tmp_path / "made", "--reasons", 0) == 0
    monkeypatch.setenv("CREDITFUSION_SIGNED_BY", str(keys.public))
    mlflow.load_model(str(tmp_path / "made"))
    (tmp_path / "made" / "data" / "creditfusion" / "bundle" / "model.sig").unlink()
    with pytest.raises(Exception, match="is not signed, and a signature by"):
        mlflow.load_model(str(tmp_path / "made"))


def test_what_has_further_sources_or_is_no_mlflow_model_is_refused(
    trained: Trained, joined_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert creditfusion("bundle", "mlflow", joined_model, "--out", tmp_path / "made", "--json") == 2
    assert "reads records of further sources" in json.loads(capsys.readouterr().out)["message"]
    (tmp_path / "mine").mkdir()
    for out, words in (("mine", "is no MLflow model"), ("made", "holds a model already")):
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / "MLmodel").touch()
        assert creditfusion("bundle", "mlflow", trained.model, "--out", tmp_path / out) == 2
        assert words in capsys.readouterr().err
