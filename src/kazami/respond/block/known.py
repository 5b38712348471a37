"""Places that everybody uses, written down once: public name servers, content networks, and those who lend names to others.

Cloudflare, Fastly, Amazon (CloudFront), Google and Microsoft (365) publish their ranges, Akamai's are its allocations; the name servers
are those of Google, Cloudflare, Quad9, OpenDNS, AdGuard, CleanBrowsing and Level 3. The operator's own list (`[blocking]` in
tenants.toml) is asked as well and is the one to be kept up to date.
"""

from __future__ import annotations

from ipaddress import ip_network

from kazami.model.tenant import Places

#: Public name servers.
RESOLVERS = Places(tuple(map(ip_network, (
    "8.8.8.8", "8.8.4.4", "1.1.1.0/29", "1.0.0.0/29", "9.9.9.8/29", "149.112.112.0/24", "208.67.220.0/22", "94.140.14.0/23",
    "185.228.168.0/23", "4.2.2.0/29", "64.6.64.6", "64.6.65.6", "2001:4860:4860::/48", "2606:4700:4700::/48", "2620:fe::/48",
    "2620:119:35::/48", "2620:119:53::/48", "2a10:50c0::/32", "2a0d:2a00::/32",
))), ("dns.google", "cloudflare-dns.com", "dns.quad9.net", "one.one.one.one", "opendns.com"))  # fmt: skip

#: Content networks: thousands of unlike sites behind each address.
CONTENT = Places(tuple(map(ip_network, (
    "173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18",
    "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13",
    "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22", "2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32",
    "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32", "151.101.0.0/16", "146.75.0.0/17", "199.232.0.0/16", "2a04:4e40::/32",
    "2a04:4e42::/32", "3.160.0.0/14", "13.32.0.0/15", "13.35.0.0/16", "13.224.0.0/14", "13.249.0.0/16", "18.64.0.0/14",
    "18.154.0.0/15", "18.160.0.0/15", "18.164.0.0/15", "18.172.0.0/15", "18.238.0.0/15", "18.244.0.0/15", "52.84.0.0/15",
    "54.182.0.0/16", "54.192.0.0/16", "54.230.0.0/16", "54.239.128.0/18", "65.8.0.0/16", "65.9.0.0/17", "99.84.0.0/16",
    "99.86.0.0/16", "108.138.0.0/15", "108.156.0.0/14", "143.204.0.0/16", "204.246.164.0/22", "205.251.192.0/19", "2600:9000::/28",
    "2.16.0.0/13", "23.0.0.0/12", "23.32.0.0/11", "23.64.0.0/14", "23.72.0.0/13", "23.192.0.0/11", "72.246.0.0/15",
    "88.221.0.0/16", "92.122.0.0/15", "95.100.0.0/15", "96.6.0.0/15", "96.16.0.0/15", "104.64.0.0/10", "173.222.0.0/15",
    "184.24.0.0/13", "184.50.0.0/15", "184.84.0.0/14", "2600:1400::/24", "2a02:26f0::/29",
))))  # fmt: skip

#: Clouds that everybody's mail, documents and logons are in: Microsoft 365, Google.
CLOUD = Places(tuple(map(ip_network, (
    "13.107.6.152/31", "13.107.18.10/31", "13.107.128.0/22", "13.107.136.0/22", "20.190.128.0/18", "23.103.160.0/20", "40.92.0.0/15",
    "40.96.0.0/13", "40.104.0.0/15", "40.107.0.0/16", "40.108.128.0/17", "40.126.0.0/18", "52.96.0.0/14", "52.100.0.0/14",
    "52.104.0.0/14", "52.112.0.0/14", "52.122.0.0/15", "104.47.0.0/17", "104.146.128.0/17", "131.253.33.215", "132.245.0.0/16",
    "150.171.0.0/16", "204.79.197.0/24", "2603:1000::/24", "2620:1ec::/36", "2a01:111::/32", "64.233.160.0/19", "66.102.0.0/20",
    "66.249.80.0/20", "72.14.192.0/18", "74.125.0.0/16", "108.177.0.0/17", "142.250.0.0/15", "172.217.0.0/16", "172.253.0.0/16",
    "173.194.0.0/16", "209.85.128.0/17", "216.58.192.0/19", "216.239.32.0/19", "2001:4860::/32", "2404:6800::/32", "2607:f8b0::/32",
    "2800:3f0::/32", "2a00:1450::/32", "2c0f:fb50::/32",
))))  # fmt: skip

#: What runs mail, logons, updates, certificates or clocks for everybody: with all below, but for `OPEN_HOSTS`.
SERVICES = Places((), (
    "microsoft.com", "microsoftonline.com", "microsoftonline-p.com", "windows.com", "windowsupdate.com", "office.com", "office.net",
    "office365.com", "outlook.com", "hotmail.com", "live.com", "msftauth.net", "msauth.net", "msftconnecttest.com", "msftncsi.com",
    "skype.com", "google.com", "gmail.com", "googlemail.com", "gstatic.com", "gvt1.com", "apple.com", "icloud.com", "mzstatic.com",
    "mozilla.org", "mozilla.com", "firefox.com", "mimecast.com", "pphosted.com", "messagelabs.com", "iphmx.com", "digicert.com",
    "globalsign.com", "sectigo.com", "usertrust.com", "letsencrypt.org", "lencr.org", "verisign.com", "identrust.com", "entrust.net",
    "amazontrust.com", "pki.goog", "ntp.org", "time.nist.gov", "ubuntu.com", "debian.org", "redhat.com", "akadns.net",
))  # fmt: skip

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
    "raw.githubusercontent.com", "gist.githubusercontent.com", "gist.github.com", "api.github.com", "codeload.github.com",
    "objects.githubusercontent.com", "sites.google.com", "script.google.com", "forms.google.com", "firebasestorage.googleapis.com",
    "sharepoint.com", "bit.ly", "t.co", "tinyurl.com", "is.gd", "goo.gl", "ow.ly", "cutt.ly", "rb.gy", "rebrand.ly",
    "drive.google.com", "docs.google.com", "storage.googleapis.com",
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
