"""Reasons about links that go by files; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

FILE_REASONS: dict[str, ReasonText] = {
    "FILE_DAMAGED": ReasonText(
        "The file is no link file, or not whole: {value}. Copy it again from where it was written, or export anew.",
        "不是链路文件，或文件已损坏、不完整：{value}。请从原处重新拷贝，或重新导出。",
    ),
    "FILE_TOO_LARGE": ReasonText(
        "The file is larger than any that is read: {value} bytes. Have the sender lower files.max_bytes.",
        "文件过大，不予读取：{value} 字节。请对方调小 files.max_bytes 后重新导出。",
    ),
    "FILE_FOR_OTHER": ReasonText(
        "The file is for {value}, not for this platform. Carry it there.",
        "该文件是给 {value} 的，不是给本平台的，请送往该处。",
    ),
    "FILE_FOREIGN": ReasonText(
        "The file was written by {value}, and this folder is another neighbour's. Put it into the folder of that link.",
        "该文件由 {value} 写出，不属于此目录对应的链路，请放入该链路的目录。",
    ),
    "FILE_EARLY": ReasonText(
        "Numbers {value} of the stream have not come yet; the file waits. Bring the missing file, or have it exported"
        " again with sanji files export --from.",
        "流中序号 {value} 尚未收到，本文件等待中。请补送缺少的文件，或请对方用 sanji files export --from 重新导出。",
    ),
    "FILE_KEY_UNUSABLE": ReasonText(
        "The certificate or its key cannot sign files: {value}. They are signed with a key on P-256.",
        "证书或私钥不能为文件签名：{value}。文件须以 P-256 密钥签名。",
    ),
    "FILE_PEER_KNOWN": ReasonText(
        "{value} is registered already. A new certificate is registered with sanji peers certificate add; its link goes"
        " by files from sanji files start on.",
        "{value} 已登记。新证书请用 sanji peers certificate add 登记；改用文件传送请用 sanji files start。",
    ),
    "FILE_LINK_FIXED": ReasonText(
        "The link to {value} cannot go by files: its database is the link.",
        "{value} 的链路不能改用文件：其数据库就是链路。",
    ),
    "FILE_LINK_SO": ReasonText("The link to {value} is so already.", "{value} 的链路已是如此。"),
}
