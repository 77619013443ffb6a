from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from longctx.config import Band, Config, PackConfig, Section, TrainingConfig
from longctx.config_check import ConfigError
from longctx.config_file import load_config

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "training_config.yaml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> dict[str, str]:
    """Key path -> what is said about it, for a file that must be refused."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.exit_code == 2
    return {problem.key: f"{problem.message}; {problem.expected}" for problem in caught.value.problems}


def leaves(section: Section, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in section.__struct_fields__:
        value = getattr(section, name)
        found.update(leaves(value, f"{prefix}{name}.") if isinstance(value, Section) else {prefix + name: value})
    return found


def test_the_shipped_file_equals_the_defaults() -> None:
    assert load_config(SHIPPED) == Config() == load_config(None)


def test_the_shipped_file_has_every_key_with_a_comment_that_states_its_default() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    documented: dict[str, str] = {}
    sections: list[str] = []
    comment = ""
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("#"):
            comment += " " + stripped.lstrip("# ")
            continue
        if stripped:
            name, _, value = stripped.partition(":")
            depth = (len(line) - len(line.lstrip())) // 2
            sections[depth:] = [name]
            assert comment, f"{name} has no comment"
            if value.strip():
                documented[".".join(sections)] = comment
        comment = ""
    defaults = leaves(Config())
    assert documented.keys() == defaults.keys()
    for key, value in defaults.items():
        stated = documented[key].rpartition("efault ")[2]
        shown = (
            "[" + ", ".join(value) + "]"
            if isinstance(value, tuple)
            else stated.split(". ")[0].split(",")[0].rstrip(".")
        )
        if isinstance(value, tuple):
            assert shown in stated, key
        else:
            read = yaml.safe_load(shown)
            assert (float(read) if isinstance(value, float) else read) == value, key


def test_scientific_notation_without_a_point_is_a_number(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "training:\n  base_learning_rate: 5e-5\n  weight_decay: '1E-2'\n"))
    assert config.training.base_learning_rate == 5e-5
    assert config.training.weight_decay == 0.01


@pytest.mark.parametrize("value", ["abc", "true", "null", "[1]", "'5e-5x'", "''", ".nan", ".inf", "-1", "0"])
def test_what_is_not_a_positive_number_is_no_learning_rate(tmp_path: Path, value: str) -> None:
    found = problems(tmp_path, f"training:\n  base_learning_rate: {value}\n")
    assert "expected a number (above 0)" in found["training.base_learning_rate"]


@pytest.mark.parametrize("value", ["true", "1.5", "'3'", "null"])
def test_what_is_not_a_whole_number_is_no_seed(tmp_path: Path, value: str) -> None:
    assert "a whole number" in problems(tmp_path, f"training:\n  seed: {value}\n")["training.seed"]


def test_all_problems_are_reported_at_once_with_file_line_and_key(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "training:\n  base_learning_rate: abc\n  sed: 3\npack:\n  overlap: 2048\n  include: x\nmodle: {}\nmodel: 3\n",
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    lines = caught.value.message.splitlines()
    assert lines[0] == "6 problems in the configuration:"
    assert lines[1] == f'  {path}:2: training.base_learning_rate: "abc" is not allowed; expected a number (above 0)'
    assert lines[2] == f"  {path}:3: training.sed: unknown key; did you mean training.seed?"
    assert lines[3].startswith(f"  {path}:5: pack.overlap: 2048 is not below pack.sequence_length, 2048")
    assert lines[4] == f'  {path}:6: pack.include: "x" is not allowed; expected a list of text'
    assert lines[5] == f"  {path}:7: modle: unknown key; did you mean model?"
    assert lines[6] == f"  {path}:8: model: 3 is not allowed; expected a section with keys of its own"


def test_a_key_in_the_wrong_section_is_found_in_the_right_one(tmp_path: Path) -> None:
    assert "did you mean pack.overlap?" in problems(tmp_path, "overlap: 3\n")["overlap"]


def test_keys_given_twice_are_an_error(tmp_path: Path) -> None:
    assert "given twice, first on line 2" in problems(tmp_path, "pack:\n  overlap: 1\n  overlap: 2\n")["pack.overlap"]
    assert "given twice" in problems(tmp_path, "pack: {}\npack: {}\n")["pack"]
    with pytest.raises(ConfigError, match=r"(?s)given twice.*2048 is not below"):
        load_config(write(tmp_path, "pack:\n  overlap: 1\n  overlap: 2048\n"))


@pytest.mark.parametrize("text", ["", "# nothing\n", "pack:\n", "{}"])
def test_what_is_missing_takes_its_default(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


@pytest.mark.parametrize("text", ["pack: [", "\tpack: 1", "- 1\n", "a", "!!python/object:os.system x", "a: *b", "\x00"])
def test_what_is_no_configuration_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    assert len(problems(tmp_path, text)) == 1


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml: cannot be read: no such file"):
        load_config(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"model:\n  name: \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 15"):
        load_config(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("pack: {overlap: 4000}", "pack.overlap", "not below pack.sequence_length"),
        ("long_context: {phase1_min_length: 1025}", "long_context.phase1_min_length", "above phase1_max_length"),
        ("long_context: {phase2_min_length: 1024}", "long_context.phase2_min_length", "expected at least 1025"),
        ("long_context: {phase1_max_length: 1600}", "long_context.phase2_min_length", "band of phase 1"),
        ("long_context: {phase3_enabled: true}", "pack.sequence_length", "set long_context.phase3_enabled to false"),
        ("pack: {sequence_length: 600}", "pack.sequence_length", "set pack.long_context_mode to false"),
        ("training: {validation_split: 0.95}", "training.validation_split", "at most 0.9"),
    ],
)
def test_contradictions_name_the_keys_to_change(tmp_path: Path, text: str, key: str, said: str) -> None:
    assert said in problems(tmp_path, text)[key]


@pytest.mark.parametrize(
    ("text", "said"), [("soon", "a date such as 2024-01-31 or null"), ("'2024-13-01'", "a date such")]
)
def test_what_is_no_date_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in problems(tmp_path, f"pack: {{since: {text}}}")["pack.since"]


def test_a_configuration_reads_back_from_its_json() -> None:
    config = load_config(None, {"pack.since": datetime.date(2024, 1, 31), "pack.kinds": ["hierarchical"]})
    assert Config.from_dict(config.to_dict()) == config


def test_what_is_no_kind_is_refused_with_those_that_are(tmp_path: Path) -> None:
    found = problems(tmp_path, "pack: {kinds: [hierarchical, poems], context: [all]}")
    assert found["pack.kinds"] == '"poems" is not allowed; expected a list of hierarchical, commits, qa'
    assert found["pack.context"] == '"all" is not allowed; expected a list of definitions, siblings, outline'


def test_contradictions_are_refused_without_a_file_too() -> None:
    with pytest.raises(ValueError, match="not below"):
        Config.from_dict({"pack": {"overlap": 5000}})
    with pytest.raises(ValueError, match="not below"):
        Config(pack=PackConfig(overlap=5000))


def test_values_are_checked_without_a_file_too() -> None:
    assert PackConfig(include=["*.py"]).include == ("*.py",)  # type: ignore[arg-type]
    assert TrainingConfig(patience=3, base_learning_rate=1).base_learning_rate == 1.0
    with pytest.raises(ValueError, match="patience"):
        TrainingConfig(patience=0)
    with pytest.raises(ValueError, match="overlap"):
        PackConfig(overlap="many")  # type: ignore[arg-type]


def test_overrides_replace_the_files_values_and_are_named_as_options(tmp_path: Path) -> None:
    path = write(tmp_path, "pack:\n  overlap: 100\n")
    assert load_config(path, {"pack.overlap": 200, "training.seed": 1}).pack.overlap == 200
    with pytest.raises(ConfigError, match=r"^--overlap: pack\.overlap: 2048 is not below"):
        load_config(path, {"pack.overlap": 2048})


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Config().pack.overlap = 3  # type: ignore[misc]


def test_overlap_is_scaled_to_the_band() -> None:
    assert Config().bands() == [Band(1, 512, 1024, 256), Band(2, 1536, 2048, 512)]
    assert Config().bands_left_out() == []


def test_bands_longer_than_the_sequence_length_are_left_out_and_named() -> None:
    config = load_config(None, {"pack.sequence_length": 1500})
    assert [(band.id, band.overlap) for band in config.bands()] == [(1, round(512 * 1024 / 1500))]
    assert [(band.id, band.reason) for band in config.bands_left_out()] == [(2, "pack.sequence_length is 1500")]


def test_a_phase_that_would_fit_but_is_not_enabled_is_named() -> None:
    config = load_config(None, {"pack.sequence_length": 4096})
    assert [band.id for band in config.bands()] == [1, 2]
    assert [band.reason for band in config.bands_left_out()] == ["long_context.phase3_enabled is false"]
    enabled = load_config(None, {"pack.sequence_length": 4096, "long_context.phase3_enabled": True})
    assert enabled.bands()[2] == Band(3, 3072, 4096, 512)


def test_without_long_context_mode_there_is_one_band() -> None:
    config = load_config(None, {"pack.sequence_length": 601, "pack.long_context_mode": False})
    assert config.bands() == [Band(1, 300, 601, 512)]
