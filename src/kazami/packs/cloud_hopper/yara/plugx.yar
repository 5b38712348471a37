/*
    PlugX: used by many groups, so a sign of intrusion rather than of one actor.
*/

import "math"

rule CloudHopper_PlugX_Request_Headers
{
    meta:
        description = "Program with all four headers of a PlugX request"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0013/"
        techniques = "T1071.001, S0013"
        level = "high"
    strings:
        $session = "X-Session:" ascii wide
        $status = "X-Status:" ascii wide
        $size = "X-Size:" ascii wide
        $sn = "X-Sn:" ascii wide
    condition:
        uint16(0) == 0x5A4D and all of them
}

rule CloudHopper_PlugX_Renamed_Headers
{
    meta:
        description = "Program with the renamed headers of a PlugX request"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/alerts/2017/04/27/intrusions-affecting-multiple-victims-across-multiple-sectors"
        techniques = "T1071.001, S0013"
        level = "high"
    strings:
        $a1 = "HX1: " ascii wide
        $a2 = "HX2: " ascii wide
        $a3 = "HX3: " ascii wide
        $a4 = "HX4: " ascii wide
        $b1 = "HHV1: " ascii wide
        $b2 = "HHV2: " ascii wide
        $b3 = "HHV3: " ascii wide
        $b4 = "HHV4: " ascii wide
    condition:
        uint16(0) == 0x5A4D and (all of ($a*) or all of ($b*))
}

rule CloudHopper_PlugX_Pipe
{
    meta:
        description = "Program with the pipe by which PlugX runs as another user"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/JPCERTCC/jpcert-yara"
        techniques = "T1134.002, S0013"
        level = "critical"
        confidence = "high"
    strings:
        $pipe = /\\\\\.\\PIPE\\RUN_AS_USER\((%d|\d{1,6})\)/ ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and $pipe
}

rule CloudHopper_PlugX_Payload
{
    meta:
        description = "Data that begins with the mark of a packed PlugX payload"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/JPCERTCC/MalConfScan"
        techniques = "T1027.002, S0013"
        level = "high"
    condition:
        uint32be(0) == 0x47554C50 and filesize > 4KB and filesize < 2MB and math.entropy(16, filesize - 16) > 6.5
}
