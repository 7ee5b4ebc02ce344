"""Which headers are marked as state secrets, and which words only look alike."""

import pytest

from edoc.core.dispatch import Dispatch
from edoc.core.secrecy import find_secret_marking


def dispatch(**header: object) -> Dispatch:
    return Dispatch.from_dict({"from": {"organ_id": "H99.01"}, **header})


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ({"subject": "[MẬT] V/v bảo vệ"}, "subject: mật"),
        ({"subject": "Tối mật: kế hoạch"}, "subject: tối mật"),
        ({"subject": "TUYỆT MẬT"}, "subject: tuyệt mật"),
        ({"subject": "Độ mật: Mật"}, "subject: mật"),
        ({"subject": "[ＭẬＴ] V/v bảo vệ"}, "subject: mật"),
        ({"subject": "Tối\u200b mật: kế hoạch"}, "subject: tối mật"),
        ({"subject": "[MA\u0323\u0302T] V/v bảo vệ"}, "subject: mật"),
        ({"code": {"code_notation": "MẬT-UBND"}}, "code.code_notation: mật"),
        ({"code": {"code_notation": "UBND(TỐI MẬT)"}}, "code.code_notation: tối mật"),
        ({"attachments": [{"name": "(Mật) bảng kê.pdf"}]}, "attachments[0].name: mật"),
        ({"other_info": {"appendixes": ["Tuyệt mật"]}}, "other_info.appendixes[0]: tuyệt mật"),
    ],
)
def test_a_marking_is_found_where_clerks_write_it(header: dict[str, object], found: str) -> None:
    assert find_secret_marking(dispatch(**header)) == found


@pytest.mark.parametrize(
    "header",
    [
        {"subject": "Mật độ xây dựng tại phường 5"},
        {"subject": "Bảo vệ bí mật nhà nước"},
        {"subject": "Mắt kính cho học sinh"},
        {"subject": "Giá mật ong năm 2026"},
        {"code": {"code_notation": "MAT-UBND"}},
        {"attachments": [{"name": "mat bang.pdf"}]},
    ],
)
def test_ordinary_words_that_look_alike_are_no_marking(header: dict[str, object]) -> None:
    assert find_secret_marking(dispatch(**header)) is None
