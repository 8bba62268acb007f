"""Rows of real figures that are only data: sums, rates, targets and results, with the id of each row."""

import pytest

SUMS = [
    pytest.param("1984.99 + 86.18 − 393.88", "1677.29", id="A1-10"),
    pytest.param("362.91+1314.38", "1677.29", id="A1-11a"),
    pytest.param("1271.76+42.62", "1314.38", id="A1-11b"),
    pytest.param("8.5+50+30+10", "98.5", id="A1-14"),
    pytest.param("10+50+30+10", "100", id="A1-15"),
    pytest.param("1+50+30+10", "91", id="A1-16"),
    pytest.param("427455+68654+8992+4465", "509,566", id="A2-1"),
    pytest.param("13+20+44.23+16", "93.23", id="A2-8"),
    pytest.param("3+2+4+4", "13", id="A2-9a"),
    pytest.param("6+8+10+4", "28", id="A2-9b"),
    pytest.param("219+132.1", "351.1", id="A2-10"),
    pytest.param("103.77+1022.51", "1126.28", id="A3-9a"),
    pytest.param("217.23+60.92", "278.15", id="A3-9b"),
    pytest.param("278.15+724.10", "1002.25", id="A3-9c"),
    pytest.param("387.09+337.01", "724.10", id="A3-9d"),
    pytest.param("2.91+5.80", "8.71", id="A3-9e"),
    pytest.param("1022.51-1002.25", "20.26", id="A3-10a"),
    pytest.param("20.26+103.77", "124.03", id="A3-10b"),
    pytest.param("400-387.09", "12.91", id="A3-10c"),
    pytest.param("189.84+70", "259.84", id="A0-2"),
    pytest.param("(40-2)+(20-1)+(20-1)+20", "96", id="A0-6"),
]

GRADED = [
    pytest.param("98.5", "优", id="A1-14"),
    pytest.param("100", "优", id="A1-15"),
    pytest.param("90.99", "优", id="A1-16"),
    pytest.param("93.23", "优", id="A2-8"),
    pytest.param("98", "优", id="A3-13a"),
    pytest.param("97", "优", id="A3-13b"),
    pytest.param("96", "优", id="A0-6"),
]

TARGETS = [
    pytest.param(">750000件", "856418件", "114.19", id="A1-18"),
    pytest.param("≥280000件", "298532件", "106.62", id="A3-3"),
    pytest.param("≥250000件", "261238件", "104.50", id="A3-4"),
    pytest.param("10000件", "10569件", "105.69", id="A3-5"),
]

THRESHOLDS = [
    pytest.param(target, actual, id=f"{row}-{target}")
    for row, pairs in {
        "A1-20": (
            (">90%", "99%"), (">85%", "95%"), (">85%", "92%"), (">92%", "95%"), (">95%", "96%"), ("≥12次", "12次"),
            ("≥4分", "4分"), ("4次/天", "4次/天"), ("123平方公里", "123平方公里"), ("24小时", "24小时"),
            ("100%", "100%"),
        ),
        "A3-12": (("≥18次", "44次"), ("10次", "13次"), ("≥8次", "10+次"), ("≥90%", "93%")),
        "A3-14": (("44次", "500+次"), ("140+次", "1200+次"), ("312件", "312件")),
        "A0-7": (("29路", "29路"), ("≥30件", "30件以上"), ("29个", "29个"), ("8期", "8期")),
    }.items()
    for target, actual in pairs
]  # fmt: skip

RATES = [
    pytest.param("score_rate", "13", "15", "86.67", id="A2-6a"),
    pytest.param("score_rate", "20", "20", "100.00", id="A2-6b"),
    pytest.param("score_rate", "16", "20", "80.00", id="A2-6c"),
    pytest.param("score_rate", "44.23", "45", "98.29", id="A2-7"),
    pytest.param("score_rate", "715", "715", "100.00", id="A2-11"),
    pytest.param("budget.execution_rate", "1002.25", "1126.28", "88.99", id="A3-11a"),
    pytest.param("budget.execution_rate", "724.10", "842.03", "85.99", id="A3-11b"),
    pytest.param("budget.execution_rate", "387.09", "400", "96.77", id="A3-11c"),
    pytest.param("timely_reply_rate", "583", "583", "100.00", id="A0-5"),
]

ZHENGZHOU = [
    ("filing_rate", {"filed": 51_229, "accepted": 51_571}, "99.34"),
    ("dispatch_rate", {"dispatched": 49_151, "filed": 51_229}, "95.94"),
    ("closing_rate", {"closed": 43_523, "closing_due": 52_434}, "83.01"),
    ("timely_closing_rate", {"closed_on_time": 40_394, "closing_due": 52_434}, "77.04"),
    ("rework_rate", {"reworked": 276, "closing_due": 52_434}, "0.53"),
    ("extension_rate", {"extended": 104, "closing_due": 52_434}, "0.20"),
    ("filing_rate", {"filed": 16_570, "accepted": 16_754}, "98.90"),
    ("dispatch_rate", {"dispatched": 14_673, "filed": 16_570}, "88.55"),
    ("closing_rate", {"closed": 10_225, "closing_due": 18_086}, "56.54"),
    ("timely_closing_rate", {"closed_on_time": 8_765, "closing_due": 18_086}, "48.46"),
    ("rework_rate", {"reworked": 274, "closing_due": 18_086}, "1.51"),
    ("extension_rate", {"extended": 101, "closing_due": 18_086}, "0.56"),
    ("closing_rate", {"closed": 1_912, "closing_due": 1_935}, "98.81"),
    ("closing_rate", {"closed": 1_855, "closing_due": 1_935}, "95.87"),
    ("closing_rate", {"closed": 936, "closing_due": 953}, "98.22"),
    ("closing_rate", {"closed": 806, "closing_due": 848}, "95.05"),
    ("closing_rate", {"closed": 699, "closing_due": 848}, "82.43"),
    ("closing_rate", {"closed": 596, "closing_due": 736}, "80.98"),
    ("closing_rate", {"closed": 372, "closing_due": 736}, "50.54"),
]

#: Numerator, denominator, how it is rounded, and what is shown in percent.
EXACT = [
    pytest.param(8_907, 12_299, "HU2", "72.42", id="A4-1"),
    pytest.param(12_299, 14_664, "HU3", "83.872", id="A4-5"),
    pytest.param(519_218, 520_954, "TR0", "99", id="A1-5a"),
    pytest.param("96.50", 100, "HU0", "97", id="A1-5b"),
    pytest.param("96.50", 100, "TR0", "96", id="A1-5c"),
    pytest.param("96.45", 100, "HU0", "96", id="A1-5d"),
    pytest.param("1677.29", "1984.99", "HU2", "84.50", id="A1-8a"),
    pytest.param("1677.29", "19849.9", "HU1", "8.4", id="A1-8b"),
    pytest.param("1677.29", "19849.9", "HU2", "8.45", id="A1-8c"),
    pytest.param("1677.29", "2071.17", "HU2", "80.98", id="A1-9"),
    pytest.param("1271.76", "1241.76", "HU2", "102.42", id="A1-12"),
    pytest.param("42.62", 432, "HU2", "9.87", id="A1-13a"),
    pytest.param("42.62", 4_320, "HU2", "0.99", id="A1-13b"),
    pytest.param(8_760 - 42, 8_760, "HU4", "99.5205", id="A1-17a"),
    pytest.param(8_760 - 48, 8_760, "HU4", "99.4521", id="A1-17b"),
    pytest.param(427_455, 509_566, "HU2", "83.89", id="A2-2a"),
    pytest.param(68_654, 509_566, "HU2", "13.47", id="A2-2b"),
    pytest.param(8_992, 509_566, "HU2", "1.76", id="A2-2c"),
    pytest.param(4_465, 509_566, "HU2", "0.88", id="A2-2d"),
    pytest.param(427_455 + 68_654, 509_566, "HU2", "97.36", id="A2-3"),
    pytest.param(428_644, 509_566, "HU2", "84.12", id="A2-5"),
    pytest.param(10_555, 10_569, "HU2", "99.87", id="A3-2a"),
    pytest.param(10_555, 10_569, "TR0", "99", id="A3-2b"),
    pytest.param(31_888, 298_532, "HU2", "10.68", id="A3-7a"),
    pytest.param(261_238, 298_532, "HU2", "87.51", id="A3-7b"),
    pytest.param(298_532, 950 * 365, "HU1", "86.1", id="A3-8"),
    pytest.param("259.84", 260, "HU1", "99.9", id="A0-1a"),
    pytest.param("259.84", 260, "HU2", "99.94", id="A0-1b"),
    pytest.param(568, 583, "HU2", "97.43", id="A0-4a"),
    pytest.param(569, 583, "HU2", "97.60", id="A0-4b"),
    pytest.param(979, 1_024, "HU2", "95.61", id="qianjiang"),
    pytest.param(1, 32, "HU2", "3.13", id="1/32"),
    pytest.param(1, 32, "HE2", "3.12", id="1/32-to-even"),
    pytest.param(5, 32, "HU2", "15.63", id="5/32"),
    pytest.param(1, 160, "HU2", "0.63", id="1/160"),
]
