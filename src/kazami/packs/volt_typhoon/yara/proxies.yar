/*
    Tools by which the actor reaches back in.
*/

rule VoltTyphoon_Frp_Client_Of_The_Actor
{
    meta:
        description = "FRP client with the word of the build that the actor uses"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1090, S1144"
        level = "critical"
        confidence = "high"
    strings:
        $word = "MAGA2024!!!" ascii wide
    condition:
        (uint16(0) == 0x5A4D or uint32be(0) == 0x7F454C46) and $word
}

rule VoltTyphoon_Frp_Program
{
    meta:
        description = "Reverse proxy FRP: administrators rarely have it on a server"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S1144/"
        techniques = "T1090, T1572, S1144"
        level = "medium"
    strings:
        $source = "github.com/fatedier/frp/" ascii
    condition:
        (uint16(0) == 0x5A4D or uint32be(0) == 0x7F454C46) and #source > 2
}

rule VoltTyphoon_Frp_Configuration
{
    meta:
        description = "Configuration of FRP that calls back to a port of the published builds"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1090, S1144"
        level = "medium"
    strings:
        $ini = /server_addr\s*=\s*[\w.-]+/ ascii
        $ini_port = /server_port\s*=\s*(8080|8443|8043|8000|10443)\b/ ascii
        $toml = /serverAddr\s*=\s*"[\w.-]+"/ ascii
        $toml_port = /serverPort\s*=\s*(8080|8443|8043|8000|10443)\b/ ascii
    condition:
        filesize < 100KB and (($ini and $ini_port) or ($toml and $toml_port))
}

rule VoltTyphoon_Earthworm_Program
{
    meta:
        description = "EarthWorm: a program with its ways of tunnelling"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        reference = "http://rootkiter.com/EarthWorm/"
        techniques = "T1090"
        level = "high"
    strings:
        $a = "rssocks" ascii fullword
        $b = "rcsocks" ascii fullword
        $c = "ssocksd" ascii fullword
        $d = "lcx_slave" ascii fullword
        $e = "lcx_listen" ascii fullword
        $f = "lcx_tran" ascii fullword
    condition:
        (uint16(0) == 0x5A4D or uint32be(0) == 0x7F454C46) and 4 of them
}

rule VoltTyphoon_Port_Proxy_Script
{
    meta:
        description = "Script that forwards a port of all addresses to a machine inside"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1090.001"
        level = "medium"
    strings:
        $add = /netsh[^\n]{1,60}portproxy\s+add\s+v4tov4[^\n]{0,120}connectaddress=(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/ ascii wide nocase
        $any = "listenaddress=0.0.0.0" ascii wide nocase
    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and all of them
}
