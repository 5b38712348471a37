"""What notices say, in English and Japanese side by side, so that neither can lack what the other has."""

from __future__ import annotations

from kazami.model.incident import Text

TITLE = {
    "affected": Text("Security incident at {name}", "{name} におけるセキュリティインシデント"),
    "targeted": Text("Attempted attack on {name}", "{name} に対する攻撃の試み"),
}
SUMMARY = {
    "affected": Text(
        "We have found signs that somebody without permission was active in your network.",
        "貴組織のネットワークで、権限のない第三者が活動した痕跡を確認しました。",
    ),
    "targeted": Text(
        "Somebody tried to get into your network. We have seen no sign that they did anything inside.",
        "貴組織のネットワークへの侵入が試みられました。内部で活動した痕跡は確認されていません。",
    ),
}
SPAN = Text("It was seen from {first} to {last} (UTC).", "確認された期間は {first} から {last} です（UTC）。")
WHERE = Text("{hosts} hosts and {accounts} accounts are involved.", "関係するホストは {hosts} 台、アカウントは {accounts} 件です。")  # fmt: skip
BAND = Text(
    "Something of this was also seen at three or more others.",
    "この事象の一部は、他の 3 つ以上の組織でも確認されています。",
)
PROVIDER = Text(
    "Your provider may itself be affected. This notice does not come through its accounts; check its signature, and answer only by the contacts below.",
    "委託先事業者自身が被害を受けている可能性があります。本通知は事業者のアカウントを経由していません。署名を確認し、下記の連絡先にのみご回答ください。",
)
WITHDRAWN = Text("Withdrawn: {title}", "撤回：{title}")
WITHDRAWAL = Text(
    "Our notice {uid} is withdrawn. Please do not act on it any more.",
    "通知 {uid} を撤回します。この通知に基づく対応は行わないでください。",
)

HEADINGS = {
    "happened": Text("What happened", "何が起きたか"),
    "todo": Text("What to do now", "今すぐ行うこと"),
    "call": Text("Whom to call", "連絡先"),
    "proofs": Text("Evidence", "証拠"),
    "incidents": Text("Incidents", "インシデント"),
    "hosts": Text("Hosts", "ホスト"),
    "accounts": Text("Accounts", "アカウント"),
    "time": Text("Time (UTC)", "日時（UTC）"),
    "what": Text("What", "内容"),
    "file": Text("File", "ファイル"),
    "record": Text("Record", "レコード"),
    "more": Text("and {n} more", "ほか {n} 件"),
    "level": Text("Severity", "重大度"),
    "unknown": Text("unknown", "不明"),
}

#: What an administrator does, by tactic, in the order of what cannot wait.
ADVICE: dict[str, Text] = {
    "impact": Text(
        "Take a copy of backups off the network before anything else.",
        "何よりも先に、バックアップの写しをネットワークから切り離してください。",
    ),
    "exfiltration": Text(
        "Block the outside addresses named below; find out which data left, and whom that concerns.",
        "下記の外部アドレスとの通信を遮断し、持ち出されたデータとその関係者を特定してください。",
    ),
    "command-and-control": Text(
        "Cut the hosts named below off the network, but leave them switched on: their memory is evidence.",
        "下記のホストをネットワークから隔離してください。メモリも証拠となるため、電源は切らないでください。",
    ),
    "credential-access": Text(
        "Change the passwords of the accounts named below, end their sessions; if a controller is among the hosts, change krbtgt twice.",
        "下記アカウントのパスワードを変更し、セッションを切断してください。ドメインコントローラーが含まれる場合は krbtgt を 2 回変更してください。",
    ),
    "lateral-movement": Text(
        "Forbid remote logons between these hosts until they are examined.",
        "調査が終わるまで、下記ホスト間のリモートログオンを禁止してください。",
    ),
    "persistence": Text(
        "Look for tasks, services and accounts that were added in this time, and keep a copy before you remove them.",
        "この期間に追加されたタスク、サービス、アカウントを調べ、削除する前に写しを保存してください。",
    ),
    "initial-access": Text(
        "Suspend the provider's or other outside accounts named below, and require a second factor for all access from outside.",
        "下記の事業者または外部のアカウントを停止し、外部からのすべてのアクセスに多要素認証を求めてください。",
    ),
    "collection": Text(
        "Keep the archives that were found, and note their size and names.",
        "発見された書庫ファイルを保存し、名前とサイズを記録してください。",
    ),
}
ALWAYS = Text(
    "Keep all logs of this time, of at least six months before it, and of firewalls and VPN.",
    "この期間および少なくとも過去 6 か月のログ（ファイアウォール、VPN を含む）を保存してください。",
)
EXECUTIVE: tuple[Text, ...] = (
    Text("Name one person who decides, and let them call the contact below today.", "意思決定者を 1 名定め、本日中に下記の連絡先へ電話してください。"),
    Text("Decide with counsel whether authorities, insurers or customers have to be told, and by when.", "当局、保険会社、顧客への報告の要否と期限を、法務担当者とともに判断してください。"),
    Text("Allow the administrators to take systems off the network.", "管理者がシステムをネットワークから切り離すことを承認してください。"),
)  # fmt: skip
