/*
    KV-botnet: what it leaves on small-office routers.
*/

rule VoltTyphoon_Router_Script
{
    meta:
        description = "Script that removes and kills what the KV-botnet competes with"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blog.lumen.com/routers-roasting-on-an-open-firewall-the-kv-botnet-investigation/"
        techniques = "T1059.004, T1070.004"
        level = "critical"
        confidence = "high"
    strings:
        $a = "/tmp/httpd_watchdog.tar.gz" ascii
        $b = "/tmp/firewall.d" ascii
        $c = "/tmp/mips_ff" ascii
        $d = "firewallsd" ascii fullword
        $e = "kv-all.sh" ascii
    condition:
        filesize < 1MB and uint32be(0) != 0x7F454C46 and 3 of them
}

rule VoltTyphoon_Router_Implant
{
    meta:
        description = "Program for Linux that stays as the KV-botnet does"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blog.lumen.com/routers-roasting-on-an-open-firewall-the-kv-botnet-investigation/"
        techniques = "T1036.004, T1105"
        level = "critical"
        confidence = "high"
    strings:
        $place = "/tmp/bioset" ascii
        $mask = "[kworker/0:1]" ascii
        $sbin = "/pfrm2.0/bin" ascii
        $down = "cli_download_" ascii
    condition:
        uint32be(0) == 0x7F454C46 and $place and any of ($mask, $sbin, $down)
}

rule VoltTyphoon_Router_Download
{
    meta:
        description = "Script that fetches the KV-botnet"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blog.lumen.com/routers-roasting-on-an-open-firewall-the-kv-botnet-investigation/"
        techniques = "T1105"
        level = "high"
    strings:
        $down = /cli_download_(arm|mips|mipsel|x86_64|i[346]86)/ ascii nocase
        $place = /\/tmp\/bioset\d/ ascii
    condition:
        filesize < 1MB and uint32be(0) != 0x7F454C46 and all of them
}

rule VoltTyphoon_Router_Certificate
{
    meta:
        description = "Certificate with the subject of the JDY cluster"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blog.lumen.com/routers-roasting-on-an-open-firewall-the-kv-botnet-investigation/"
        techniques = "T1584.008"
        level = "high"
    strings:
        $subject = { 55 04 03 (0C | 13) 05 6A 64 79 66 6A }
    condition:
        filesize < 100KB and uint16be(0) == 0x3082 and $subject
}
