"""What is wrong with a question, by field."""


class QuestionInvalid(Exception):
    """A question cannot be answered as it is asked; nothing was looked up.

    Args:
        field: the part of the question, as people write it: ``where``, ``group``, ``measure``.
        chinese: what is wrong and what is possible.
        english: the same.
    """

    def __init__(self, field: str, chinese: str, english: str) -> None:
        super().__init__(f"{field}：{chinese} / {english}")
        self.field = field
        self.chinese = chinese
        self.english = english
