"""Sentences of incidents, in English and Japanese. What evidence says is put in as it is; who shows it escapes it."""

from __future__ import annotations

from kazami.model.incident import Text

TACTICS: dict[str, Text] = {
    "": Text("activity", "活動"),
    "reconnaissance": Text("reconnaissance", "偵察"),
    "resource-development": Text("resource development", "リソース開発"),
    "initial-access": Text("initial access", "初期アクセス"),
    "execution": Text("execution", "実行"),
    "persistence": Text("persistence", "永続化"),
    "privilege-escalation": Text("privilege escalation", "権限昇格"),
    "defense-evasion": Text("defense evasion", "防御回避"),
    "stealth": Text("stealth", "隠蔽"),
    "defense-impairment": Text("impairment of defenses", "防御の妨害"),
    "credential-access": Text("credential access", "認証情報アクセス"),
    "discovery": Text("discovery", "探索"),
    "lateral-movement": Text("lateral movement", "横展開"),
    "collection": Text("collection", "収集"),
    "command-and-control": Text("command and control", "C2 通信"),
    "exfiltration": Text("exfiltration", "持ち出し"),
    "impact": Text("impact", "影響"),
}

LINKS: dict[str, Text] = {
    "process": Text("the same process tree: {entity}", "同じプロセスツリー：{entity}"),
    "session": Text("the same logon session: {entity}", "同じログオンセッション：{entity}"),
    "account": Text("the same account: {entity}", "同じアカウント：{entity}"),
    "address": Text("the same address: {entity}", "同じアドレス：{entity}"),
    "domain": Text("the same name outside: {entity}", "同じ外部の名前：{entity}"),
    "hash": Text("the same file: {entity}", "同じファイル：{entity}"),
    "service": Text("the same service or task: {entity}", "同じサービスまたはタスク：{entity}"),
    "skeleton": Text(
        "seen before, and hardly outside of incidents: {entity}",
        "以前にも見られ、インシデント以外ではほとんど現れない：{entity}",
    ),
    "contact": Text(
        "what the network did to the host, and what it logged within minutes: {entity}",
        "ネットワークからホストへの操作と、数分以内にホストが記録した事象：{entity}",
    ),
    "sweep": Text(
        "the same rare thing on several hosts within minutes: {entity}",
        "数分以内に複数のホストで同じまれな事象：{entity}",
    ),
    "host": Text(
        "rare things on the same host within an hour: {entity}", "同じホストで1時間以内にまれな事象：{entity}"
    ),
    "repeat": Text(
        "the same rule at the same place again: {entity}", "同じ場所で同じルールが再び一致：{entity}"
    ),
    "analyst": Text("merged by a person: {entity}", "担当者が統合：{entity}"),
    "time": Text(
        "nothing but the time, within half an hour: {entity}", "30分以内という時間だけの関連：{entity}"
    ),
}

TITLE = Text("{what} {where}", "{where}{what}")
AND = Text(" and ", "と")
COMMA = Text(", ", "、")
MORE = Text("{named} and {n} more", "{named} ほか{n}件")
ON = Text("on {hosts}", "{hosts}での")
NOWHERE = Text("on unknown hosts", "不明なホストでの")
WITH = Text("at the account {account}", "アカウント {account} での")
CHANNEL = Text("Ceaseless {what} from {hosts}", "{hosts}からの絶え間ない{what}")
STEP = Text("{tactic}: {title}", "{tactic}：{title}")
ENTRY = Text("It begins with {title} {where} at {time}.", "始まりは {time}、{where}「{title}」。")
ENTRY_FROM = Text(
    "It begins with {title} {where} at {time}, from {address}.",
    "始まりは {time}、{where}「{title}」（{address} から）。",
)
SPREAD_NONE = Text("It was seen on one host only.", "1台のホストだけで見られた。")
SPREAD = Text("It was seen on {n} hosts: {hosts}.", "{n}台のホストで見られた：{hosts}。")
TAKEN_NONE = Text(
    "Nothing that was found says that data left.", "データが持ち出されたことを示すものは見つかっていない。"
)
TAKEN = Text(
    "Data may have been gathered or have left: {titles}.",
    "データが集められたか持ち出された可能性：{titles}。",
)
MOVE = Text("from {source} to {target}", "{source} から {target} へ")

WHY_RULES = Text(
    "{n} different rules were true, rare in this tenant ({nats} nats)",
    "このテナントではまれな{n}種のルールが一致（{nats} nat）",
)
WHY_ORDER = Text(
    "{n} tactics in the order of an intrusion: {tactics}", "侵入の順序に沿った{n}個の戦術：{tactics}"
)
WHY_LEVEL = Text("a rule of level {level}: {title}", "重大度 {level} のルール：{title}")
WHY_CHANNEL = Text("it goes on day and night, for {hours} hours", "昼夜を問わず{hours}時間続いている")
WHY_APART: dict[str, Text] = {
    "closed": Text("it is kept apart from {uid}, which is closed", "{uid} はクローズ済みのため分けてある"),
    "owner": Text(
        "it is kept apart from {uid}, which belongs to {who}", "{uid} の担当は {who} のため分けてある"
    ),
    "verdict": Text(
        "it is kept apart from {uid}, which was judged {verdict}",
        "{uid} は「{verdict}」と判定済みのため分けてある",
    ),
    "person": Text(
        "it is kept apart from {uid}, in which a person had a hand",
        "{uid} には担当者が手を加えたため分けてある",
    ),
}
WHY_HOT = Text(
    "what too many hosts share ties nothing here: {names}",
    "多数のホストに共通するため関連とみなさないもの：{names}",
)
WHY_BACK = Text(
    "it goes on after {days} days: {n} steps are told as they were, their findings are gone",
    "{days}日を経て続いている。{n}段階は検知が残っていないため以前の記録のまま示す",
)

WAY = Text(
    "The session behind it was opened by {account} with {kind} at {time}{source}.",
    "その元のセッションは {time} に {account} の{kind}{source}で開かれた。",
)
WAY_FROM = Text(", from {address}", "（{address} から）")
WAY_MACHINE = Text("{address} ({machine})", "{address}（{machine}）")
WAY_VPN = Text(
    "That address was given to {caller} by the VPN gateway {gateway} at {time}, coming from {outside}.",
    "そのアドレスは {time} に VPN ゲートウェイ {gateway} が {caller} に割り当てたもので、接続元は {outside}。",
)
LOGONS: dict[str, Text] = {
    "2": Text("a logon at the console", "コンソールログオン"),
    "3": Text("a network logon", "ネットワークログオン"),
    "4": Text("a batch logon", "バッチログオン"),
    "5": Text("a service logon", "サービスログオン"),
    "7": Text("an unlocked screen", "画面ロックの解除"),
    "8": Text("a network logon in clear text", "平文のネットワークログオン"),
    "9": Text("other credentials (runas)", "別の資格情報（runas）"),
    "10": Text("a remote desktop logon", "リモートデスクトップのログオン"),
    "11": Text("a logon with cached credentials", "キャッシュされた資格情報でのログオン"),
    "": Text("a logon", "ログオン"),
}

QUESTIONS: dict[str, Text] = {
    "entry": Text(
        "How did it get in? No step of initial access was found before the first step.",
        "どう侵入したのか。最初の段階より前に初期アクセスは見つかっていない。",
    ),
    "account": Text(
        "Which accounts were used? No finding names one.",
        "どのアカウントが使われたのか。どの検知にもアカウントがない。",
    ),
    "address": Text("Where from? No finding names an address.", "どこからか。どの検知にもアドレスがない。"),
    "credential-access": Text(
        "Which credentials are lost? Those of everybody logged on at {hosts} then.",
        "どの認証情報が失われたか。その時 {hosts} にログオンしていた全員のもの。",
    ),
    "persistence": Text(
        "What stays after a restart? Look for what was installed on {hosts}.",
        "再起動後に残るものは何か。{hosts} に設置されたものを調べる。",
    ),
    "exfiltration": Text("What left, and how much?", "何がどれだけ持ち出されたか。"),
    "lateral-movement": Text(
        "Which hosts were reached that send no logs?", "ログを送らないホストにまで達していないか。"
    ),
    "time": Text(
        "{n} findings have no time: when did they happen?", "{n}件の検知に時刻がない。いつ起きたのか。"
    ),
}

HUNTS: dict[str, Text] = {
    "account": Text(
        "Logons of {accounts} on other hosts, a week before and after",
        "{accounts} の他のホストへのログオン（前後1週間）",
    ),
    "address": Text("Everything that talks to {addresses}", "{addresses} との通信すべて"),
    "credential-access": Text(
        "The same credentials used elsewhere since {time}", "{time} 以降、同じ認証情報の他所での使用"
    ),
    "lateral-movement": Text(
        "Remote services and logons from {hosts}", "{hosts} からのリモートサービスとログオン"
    ),
    "persistence": Text(
        "The same service, task or key on other hosts", "同じサービス、タスク、キーの他のホストでの有無"
    ),
    "command-and-control": Text(
        "The same destination, and the same rhythm, from other hosts",
        "同じ宛先、同じ周期の通信が他のホストからないか",
    ),
    "exfiltration": Text(
        "Archives made, and large transfers out, before {time}",
        "{time} より前のアーカイブ作成と大量の外部送信",
    ),
    "host": Text("What else happened on {hosts} in the hour before", "直前1時間に {hosts} で起きた他のこと"),
}


def fill(text: Text, **values: object) -> Text:
    """`text` with its places filled; a value that is a `Text` speaks the language it is put into."""
    spoken = {
        lang: {key: value.spoken(lang) if isinstance(value, Text) else value for key, value in values.items()}
        for lang in ("en", "ja")
    }
    return Text(text.en.format(**spoken["en"]), text.ja.format(**spoken["ja"]))


def several(items: list[str] | tuple[str, ...], most: int = 3) -> Text:
    """Names in a row, at most `most` of them."""
    named = [one[:120] for one in items[:most]]
    shown = Text(COMMA.en.join(named), COMMA.ja.join(named))
    return fill(MORE, named=shown, n=len(items) - most) if len(items) > most else shown


def tactics(names: list[str] | tuple[str, ...], most: int = 3) -> Text:
    """Tactics in a row, the last of them after "and"."""
    texts = [TACTICS.get(name, TACTICS[""]) for name in names[:most]] or [TACTICS[""]]
    if len(texts) == 1:
        return texts[0]
    return Text(
        COMMA.en.join(text.en for text in texts[:-1]) + AND.en + texts[-1].en,
        COMMA.ja.join(text.ja for text in texts[:-1]) + AND.ja + texts[-1].ja,
    )


def capital(text: Text) -> Text:
    """The English begins with a capital letter."""
    return Text(text.en[:1].upper() + text.en[1:], text.ja)
