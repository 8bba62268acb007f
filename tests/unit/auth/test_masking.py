"""What is left of personal data when it is masked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.masking import masked_address, masked_name, masked_number, masked_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请联系13812345678处理", "请联系138****5678处理"),
        ("电话 138-1234-5678。", "电话 138****5678。"),
        ("电话：１３８１２３４５６７８", "电话：138****5678"),
        ("+86 138 1234 5678", "138****5678"),
        ("座机0745-2712345", "座机074****2345"),
        ("(010)62345678转2", "010****5678转2"),
        ("身份证431221199003078812报", "身份证431221********12报"),
        ("邮箱 lilei@example.cn", "邮箱 l***@***"),
        ("两个：13812345678、15987654321", "两个：138****5678、159****4321"),
        ("案件 4312210120200615001 号", "案件 4312210120200615001 号"),
        ("井盖编号 431221010116000001", "井盖编号 431221010116000001"),
        ("2020-06-15 10:00 丢失 3 个", "2020-06-15 10:00 丢失 3 个"),
        ("", ""),
    ],
)
def test_numbers_in_a_text_are_masked_and_all_else_is_kept(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("李雷", "李*"), ("欧阳娜娜", "欧***"), ("李", "*"), ("", ""), ("Bob", "B**")]
)
def test_a_name_keeps_its_first_letter(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("13812345678", "138****5678"), ("2712345", "*****45"), ("110", "***"), ("", "")]
)
def test_a_number_keeps_too_little_to_call(number: str, shown: str) -> None:
    assert masked_number(number) == shown


def test_an_address_keeps_the_street() -> None:
    assert masked_address("中方县中方镇芙蓉路１２号３栋") == "中方县中方镇芙蓉路***"
    assert masked_address("芙蓉路") == "芙蓉路"
    assert masked_address("") == ""


@given(before=st.text(max_size=20), number=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), after=st.text(max_size=20))
def test_no_mobile_number_that_stands_alone_comes_through(before: str, number: str, after: str) -> None:
    shown = masked_text(f"{before} 手机{number}，{after}")
    assert number not in shown


@given(text=st.text(alphabet=st.characters(exclude_categories=["N"], exclude_characters="@"), max_size=60))
def test_a_text_without_digits_or_mail_is_as_it_was(text: str) -> None:
    assert masked_text(text) == text
    assert not re.search(r"\*\*\*@", masked_text(text)) or "***@" in text
