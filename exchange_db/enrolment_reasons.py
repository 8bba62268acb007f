"""Reasons about entering neighbours and their certificates; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

ENROLMENT_REASONS: dict[str, ReasonText] = {
    "PEER_WAITING": ReasonText(
        "Your entry waits for this hub's operator. Tell them the thumbprint of your certificate (sanji keys show);"
        " they compare it and run sanji peers confirm.",
        "登记待本枢纽管理员确认。请告知对方本方证书指纹（sanji keys show 可查），由其核对后执行 sanji peers confirm。",
    ),
    "PEER_BLOCKED": ReasonText(
        "This link is blocked here. Ask the hub's operator.", "该链路已被停用，请联系枢纽管理员。"
    ),
    "PEER_UNKNOWN": ReasonText(
        "No such neighbour is registered: {value}. See sanji peers list.",
        "登记表中没有 {value}，请用 sanji peers list 查看。",
    ),
    "PEER_NOT_WAITING": ReasonText(
        "This neighbour does not wait to be confirmed: {value}. See sanji peers list.",
        "该邻居无需确认：{value}。请用 sanji peers list 查看。",
    ),
    "THUMBPRINT_DIFFERS": ReasonText(
        "The certificate that joined has another thumbprint: {value}. If the neighbour does not know it, somebody else"
        " joined in its name: block it and invite anew.",
        "加入时所用证书的指纹为 {value}，与所给不符。如非对方证书，即有人冒名加入，请停用该邻居并重新邀请。",
    ),
    "CERTIFICATE_FOREIGN": ReasonText(
        "No authority of this hub's tls.authority issued the certificate. Ask for one of the federation's authority.",
        "该证书不由 tls.authority 中的签发机构签发，请向对方索取本体系签发机构的证书。",
    ),
    "CERTIFICATE_UNREADABLE": ReasonText(
        "This is no certificate. Send the text between BEGIN CERTIFICATE and END CERTIFICATE (PEM).",
        "无法读取该证书，请提供 PEM 文件（BEGIN CERTIFICATE 至 END CERTIFICATE 之间的内容）。",
    ),
    "CERTIFICATE_KNOWN": ReasonText(
        "This certificate is registered already. Nothing is to be done.", "该证书已登记，无需再次登记。"
    ),
    "CERTIFICATES_FULL": ReasonText(
        "Two certificates count already. Withdraw the one that is no longer used first: sanji peers certificate"
        " withdraw {value}.",
        "已有两个证书同时有效，请先停用不再使用的一个：sanji peers certificate withdraw {value}。",
    ),
    "CERTIFICATE_NONE": ReasonText(
        "This neighbour is known by something else than a certificate: {value}. Invite it to join with one.",
        "该邻居不以证书登记（{value}），请先邀请其凭证书加入。",
    ),
    "CERTIFICATE_NOT_SECOND": ReasonText(
        "The neighbour has not two certificates, this one of them: {value}. Its only one ends by sanji peers block.",
        "该邻居并无两个证书，或其中没有 {value}。停用唯一证书请用 sanji peers block。",
    ),
}
