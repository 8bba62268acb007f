"""Finding the class that takes the place of one the hub does not take. For the command line and the console."""

from connectors.translation import ClassRef, classes_of
from exchange_db.records import Violated
from hub.standards.limits import RuleBroken
from hub.standards.register import ClassRegister


class Untranslatable(Exception):
    """There is not exactly one class to put in its place; says why and what to do, in Chinese and English."""


def translations(register: ClassRegister, payload: bytes, target: str = "", code: str = "") -> dict[ClassRef, ClassRef]:
    """Returns what each class of a record that is not taken becomes.

    Args:
        register: the classes in force.
        payload: the record.
        target: standard to translate into; empty for the record's own, which needs a ``code``.
        code: the class where a person has chosen it.

    Raises:
        Untranslatable: none, several, or nothing to translate.
    """
    found: dict[ClassRef, ClassRef] = {}
    try:
        for was, (region, moment) in classes_of(payload).items():
            if register.check(*was, region, moment, is_entering=True) is not None:
                found[was] = _becomes(register, was, target, code)
    except (Violated, RuleBroken) as error:
        raise Untranslatable(str(error)) from None
    if not found:
        raise Untranslatable("该记录的类别代码无需转换。 / Its classes are in order.")
    return found


def _becomes(register: ClassRegister, was: ClassRef, target: str, code: str) -> ClassRef:
    if code:
        return ClassRef(target or was.standard_ref, was.kind, code)
    if target in ("", was.standard_ref):
        raise Untranslatable(f"{was.key} 不在其标准中，请用 --code 指定正确代码。 / Name the right code with --code.")
    candidates = [one for one in register.translate(*was, target) if one.to_code]
    if len(candidates) != 1:
        fitting = "、".join(f"{one.to_code}（{one.relation}）" for one in candidates) or "无 / none"
        raise Untranslatable(
            f"{was.key} 在 {target} 中的对应不唯一：{fitting}，请用 --code 指定。 / Name it with --code."
        )
    return ClassRef(target, was.kind, candidates[0].to_code)
