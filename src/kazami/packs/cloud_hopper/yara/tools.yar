/*
    Tools that the group brings, and genuine ones under other names.
*/

rule CloudHopper_Wmiexec_Script
{
    meta:
        description = "Script that runs commands over WMI and fetches their output by a share of its own"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://jpcertcc.github.io/ToolAnalysisResultSheet/"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1047, T1059.005"
        level = "critical"
        confidence = "high"
    strings:
        $share = "WMI_SHARE" ascii wide
        $output = "wmi.dll" ascii wide nocase
        $create = "Win32_Share" ascii wide nocase
        $object = "CreateObject" ascii wide nocase
    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and $share and $object and ($output or $create)
}

rule CloudHopper_Probe_Script
{
    meta:
        description = "Script that unpacks the scanner and the port probe of the group"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/groups/G0045/"
        techniques = "T1046"
        level = "high"
    strings:
        $scanner = "subnet.exe" ascii wide nocase fullword
        $probe = "rund1132.exe" ascii wide nocase fullword
    condition:
        filesize < 5MB and uint16(0) != 0x5A4D and all of them
}

rule CloudHopper_Probe_Under_System_Name
{
    meta:
        description = "Port probe under a name that looks like rundll32"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/groups/G0045/"
        techniques = "T1036.005, T1046"
        level = "critical"
        confidence = "high"
    strings:
        $probe = "tcping" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and filename matches /^(rund1132|rund11)\.exe$/i and $probe
}

rule CloudHopper_Archiver_Under_System_Name
{
    meta:
        description = "WinRAR under the name of a program of Windows, or of one letter"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/groups/G0045/"
        techniques = "T1036.003, T1560.001"
        level = "high"
    strings:
        $author = "Alexander Roshal" ascii wide
        $rar = "WinRAR" ascii wide
    condition:
        uint16(0) == 0x5A4D and filename matches /^(svchost|r)\.exe$/i and all of them
}

rule CloudHopper_Putty_Tool_Under_System_Name
{
    meta:
        description = "Copy tool of PuTTY under the name of a program of Windows"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/groups/G0045/"
        techniques = "T1036.003, T1021.004"
        level = "critical"
        confidence = "high"
    strings:
        $author = "Simon Tatham" ascii wide
        $tool = "PuTTY" ascii wide
    condition:
        uint16(0) == 0x5A4D and filename matches /^(rundll32|svchost|lsass|services|csrss)\.exe$/i and all of them
}

rule CloudHopper_Packed_Impacket
{
    meta:
        description = "Python program packed into one file that holds a tool of Impacket"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/groups/G0045/"
        techniques = "T1569.002, T1003.002, S0357"
        level = "high"
    strings:
        $cookie = { 4D 45 49 0C 0B 0A 0B 0E }
        $a = "secretsdump" ascii fullword
        $b = "atexec" ascii fullword
        $c = "psexec" ascii fullword
        $d = "wmiexec" ascii fullword
        $library = "impacket" ascii
    condition:
        uint16(0) == 0x5A4D and $cookie and ($library and any of ($a, $b, $c, $d) or 2 of ($a, $b, $c, $d))
}
