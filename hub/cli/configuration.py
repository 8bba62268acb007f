"""Reading the settings file for a command: whatever is wrong with it is said in Chinese and English, by field.

Every command that takes ``--config`` calls ``load``. ``explain`` is the same without leaving the process.
"""

import os
import sys
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from hub.settings import Settings, read_settings

#: Kind of a pydantic error to the Chinese text; ``{name}`` are values of the error's context.
_CHINESE = {
    "missing": "缺少必填项，请补填。",
    "int_parsing": "应为整数。",
    "int_type": "应为整数。",
    "int_from_float": "应为整数。",
    "float_parsing": "应为数字。",
    "float_type": "应为数字。",
    "bool_parsing": "应为 true 或 false。",
    "bool_type": "应为 true 或 false。",
    "string_type": "应为文本（加引号）。",
    "path_type": "应为文件路径（加引号）。",
    "greater_than": "必须大于 {gt}。",
    "greater_than_equal": "不得小于 {ge}。",
    "less_than": "必须小于 {lt}。",
    "less_than_equal": "不得大于 {le}。",
    "literal_error": "只能取 {expected}。",
    "enum": "只能取 {expected}。",
    "model_type": "应为一个小节，如 [{section}]。",
}


class ConfigurationError(Exception):
    """The settings cannot be used. ``problems`` are lines of (Chinese, English), each naming the field."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(english for _, english in problems))
        self.problems = problems


def load(path: Path) -> Settings:
    """Returns the settings of a file and the ``SANJI_…`` variables.

    Raises:
        typer.Exit: they cannot be used; all problems were printed to standard error. The exit code is 2.
    """
    try:
        return explain(path)
    except ConfigurationError as error:
        for chinese, english in error.problems:
            print(f"✗ {chinese}\n  {english}", file=sys.stderr)
        raise typer.Exit(2) from None


def explain(path: Path) -> Settings:
    """Returns the settings of a file and the ``SANJI_…`` variables.

    Raises:
        ConfigurationError: they cannot be used; carries every problem found.
    """
    try:
        return read_settings(path)
    except FileNotFoundError:
        problem = (
            f"找不到设置文件 {path}。请用 --config 指明其位置。",
            f"There is no settings file {path}. Name it with --config.",
        )
    except OSError as error:
        problem = (f"无法读取设置文件 {path}：{error.strerror}。", f"Cannot read {path}: {error.strerror}.")
    except UnicodeDecodeError:
        problem = (f"设置文件 {path} 不是 UTF-8 编码，请另存为 UTF-8。", f"{path} is not UTF-8. Save it as UTF-8.")
    except tomllib.TOMLDecodeError as error:
        problem = (f"设置文件 {path} 不是有效的 TOML：{error}。", f"{path} is not valid TOML: {error}.")
    except SettingsError as error:
        problem = (f"环境变量 SANJI_… 无法解析：{error}。", f"A SANJI_… variable cannot be read: {error}.")
    except ValidationError as error:
        raise ConfigurationError([_described(detail, path) for detail in error.errors()]) from None
    raise ConfigurationError([problem])


def _described(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    names = [str(name) for name in detail["loc"]]
    field = ".".join(names)
    variable = "SANJI_" + "__".join(names).upper()
    place = variable if variable in os.environ else str(path)
    if detail["type"] == "extra_forbidden":
        chinese, english = _unknown(names)
    else:
        english = f"{detail['msg']}."
        chinese = _in_chinese(detail, names)
    given = _shown(detail["input"], names) if detail["type"] not in ("missing", "extra_forbidden") else ""
    return (
        f"{place}：设置项 {field}{f'（现为 {given}）' if given else ''}：{chinese}",
        f"{place}: setting {field}{f' (now {given})' if given else ''}: {english}",
    )


def _in_chinese(detail: ErrorDetails, names: list[str]) -> str:
    context: dict[str, Any] = {"section": names[0], **detail.get("ctx", {})}
    if names == ["hub", "id"]:
        return "应为 <六位行政区划代码>.<名称>，如 431200.hub。"
    if detail["type"] == "value_error":
        return f"取值不符合要求（{context.get('error')}）。"
    template = _CHINESE.get(detail["type"])
    return template.format(**context) if template else f"取值不符合要求（{detail['msg']}）。"


def _unknown(names: list[str]) -> tuple[str, str]:
    model: type[BaseModel] = Settings
    for name in names[:-1]:
        part = model.model_fields[name].annotation
        assert isinstance(part, type)  # noqa: S101 — every section is a model
        assert issubclass(part, BaseModel)  # noqa: S101
        model = part
    similar = get_close_matches(names[-1], model.model_fields, n=1)
    known = "、".join(model.model_fields)
    if similar:
        return f"没有这个设置项，是否指 {similar[0]}？", f"There is no such setting. Is {similar[0]} meant?"
    return f"没有这个设置项，可用的有：{known}。", f"There is no such setting; known here: {known.replace('、', ', ')}."


def _shown(value: object, names: list[str]) -> str:
    return "***" if names == ["database", "url"] else f"{value!r:.60}"
