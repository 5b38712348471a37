"""Places that everybody uses, written down once: public name servers, content networks, and those who lend names to others.

Cloudflare and Fastly publish their ranges; the name servers are those of Google, Cloudflare, Quad9 and OpenDNS. The operator's own list
(`[blocking]` in tenants.toml) is asked as well and is the one to be kept up to date.
"""

from __future__ import annotations

from ipaddress import ip_network

from kazami.model.tenant import Places

#: Public name servers.
RESOLVERS = Places(tuple(map(ip_network, (
    "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220",
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe", "2620:fe::9",
))), ("dns.google", "cloudflare-dns.com", "dns.quad9.net", "one.one.one.one"))  # fmt: skip

#: Content networks: thousands of unlike sites behind each address.
CONTENT = Places(tuple(map(ip_network, (
    "173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18",
    "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13",
    "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22", "2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32",
    "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32", "151.101.0.0/16", "2a04:4e40::/32", "2a04:4e42::/32",
))))  # fmt: skip

#: Names under which everybody gets one of his own: what lies below may be blocked, the name itself never.
LENDERS = frozenset((
    "amazonaws.com", "cloudfront.net", "azureedge.net", "azurewebsites.net", "windows.net", "cloudapp.net", "cloudapp.azure.com",
    "googleusercontent.com", "appspot.com", "firebaseapp.com", "web.app", "run.app", "github.io", "gitlab.io", "pages.dev",
    "workers.dev", "netlify.app", "vercel.app", "herokuapp.com", "fastly.net", "akamaiedge.net", "akamaized.net", "edgekey.net",
    "cloudflare.com", "google.com", "microsoft.com", "windows.com", "windowsupdate.com", "office.com", "office365.com", "live.com",
    "apple.com", "icloud.com", "amazon.com", "github.com", "microsoftonline.com", "sharepoint.com", "ddns.net", "duckdns.org",
    "no-ip.org", "dyndns.org", "hopto.org", "wordpress.com", "blogspot.com",
))  # fmt: skip

#: Hosts that serve what anybody puts there: a URL says which, the name does not.
OPEN_HOSTS = frozenset((
    "raw.githubusercontent.com", "gist.githubusercontent.com", "drive.google.com", "docs.google.com", "storage.googleapis.com",
    "s3.amazonaws.com", "dropbox.com", "www.dropbox.com", "dl.dropboxusercontent.com", "onedrive.live.com", "api.onedrive.com",
    "graph.microsoft.com", "pastebin.com", "cdn.discordapp.com", "discord.com", "api.telegram.org", "t.me", "mega.nz",
    "transfer.sh", "anonfiles.com", "notion.so", "slack.com", "trello.com",
))  # fmt: skip

#: Second labels under which countries register.
REGISTRIES = frozenset(
    ("ac", "co", "com", "ed", "edu", "gov", "gr", "go", "lg", "mil", "ne", "net", "or", "org")
)

#: Last labels of names that lead nowhere outside.
PRIVATE = frozenset(
    ("local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "invalid", "onion")
)
