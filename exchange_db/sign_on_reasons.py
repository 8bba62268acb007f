"""Reasons about people and their sign-on; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

SIGN_ON_REASONS: dict[str, ReasonText] = {
    "PERSON_UNKNOWN": ReasonText(
        "This hub knows no person {value}. See sanji people list.",
        "本枢纽没有用户 {value}，请用 sanji people list 查看。",
    ),
    "OWN_RIGHTS": ReasonText(
        "Nobody changes their own rights. Let another security officer do it.",
        "不得变更本人的权限，请由另一名安全管理员办理。",
    ),
    "GRANT_BEYOND": ReasonText(
        "{value} is more than this person's platform or this hub can speak for. Choose a region inside both, and a"
        " role the platform is registered with.",
        "{value} 超出该用户所属平台或本枢纽的范围，请在两者范围内选择区划，并选择该平台登记的角色。",
    ),
    "LISTED_OUT": ReasonText(
        "The platform of {value} says in its list of people that they are not to come in. Have it changed there first.",
        "{value} 所属平台的用户名单已将其停用，请先由该平台恢复。",
    ),
    "LINK_UNKNOWN": ReasonText("This account is linked with no other of yours.", "该账号没有可解除的关联。"),
    "GRANT_UNKNOWN": ReasonText("The person does not hold {value}.", "该用户没有 {value}。"),
    "CLIENT_UNKNOWN": ReasonText(
        "No software is registered as {value}. See sanji sign-on client list.",
        "没有登记 {value}，请用 sanji sign-on client list 查看。",
    ),
    "CLIENT_KNOWN": ReasonText(
        "{value} is registered. Remove it first, or choose another id.", "{value} 已登记，请先移除或另取标识。"
    ),
    "CLIENT_PROOF_OTHER": ReasonText(
        "{value} is not registered, or does not prove itself by what was to be exchanged.",
        "{value} 未登记，或不使用该方式认证。",
    ),
    "ISSUER_UNKNOWN": ReasonText("No hub is registered that signs as {value}.", "没有登记 {value}。"),
    "UPSTREAM_UNKNOWN": ReasonText(
        "People cannot sign on at {value}: it is not registered, or has no list of people. See sanji sign-on list.",
        "没有登记 {value}，或其没有密钥，请用 sanji sign-on list 查看。",
    ),
}
