/*
    ChChes and its relatives: the programs, the script that injects it, the shortcuts that start it.
*/

rule CloudHopper_ChChes_Program
{
    meta:
        description = "Program with the constant and the request of ChChes"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blogs.jpcert.or.jp/en/2017/02/chches-malware--93d6.html"
        reference = "https://attack.mitre.org/software/S0144/"
        techniques = "T1071.001, T1132.001, S0144"
        level = "critical"
        confidence = "high"
    strings:
        $constant = "3618468394" ascii wide
        $path = "/%r.html" ascii wide
        $cookie = "Cookie: " ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and $constant and ($path or $cookie)
}

rule CloudHopper_ChChes_Script
{
    meta:
        description = "Script that defines the functions which inject ChChes and open its decoy"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blogs.jpcert.or.jp/en/2017/03/malware-leveraging-powersploit.html"
        reference = "https://github.com/JPCERTCC/jpcert-yara"
        techniques = "T1059.001, T1055, S0144"
        level = "critical"
        confidence = "high"
    strings:
        $inject = /function\s+(global:)?Invoke-shCdpot\b/ ascii wide nocase
        $decoy = /function\s+(global:)?Invoke-ExEDoc\b/ ascii wide nocase
    condition:
        filesize < 10MB and any of them
}

rule CloudHopper_ChChes_Shortcut
{
    meta:
        description = "Shortcut made on a machine that made those of ChChes"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/JPCERTCC/jpcert-yara"
        techniques = "T1204.002, S0144"
        level = "critical"
        confidence = "high"
    strings:
        $a = "win-hg68mmgacjc" ascii wide nocase
        $b = "t-user-nb" ascii wide nocase
        $c = "suzuki\\Documents\\my\\card.rtf" ascii wide nocase
    condition:
        uint32(0) == 0x4C and uint32(4) == 0x00021401 and any of them
}

rule CloudHopper_Shortcut_Common_Machine
{
    meta:
        description = "Shortcut made on a machine called john-pc, as those of ChChes were"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/JPCERTCC/jpcert-yara"
        techniques = "T1204.002"
        level = "low"
        confidence = "low"
    strings:
        $a = "john-pc" ascii wide nocase fullword
    condition:
        uint32(0) == 0x4C and uint32(4) == 0x00021401 and $a
}

rule CloudHopper_Tofu_Program
{
    meta:
        description = "Program with the cookie and a pipe of the Tofu back door"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/Neo23x0/signature-base/blob/master/yara/apt_ham_tofu_chches.yar"
        techniques = "T1071.001"
        level = "critical"
        confidence = "high"
    strings:
        $cookie = "Cookies: Sym1.0" ascii wide
        $pipe = /\\\\\.\\pipe\\1[1-8]\b/ ascii wide
    condition:
        uint16(0) == 0x5A4D and all of them
}

rule CloudHopper_Stolen_Certificate
{
    meta:
        description = "Program signed with the certificate of HT Srl that ChChes was signed with"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blogs.jpcert.or.jp/en/2017/02/chches-malware--93d6.html"
        techniques = "T1553.002"
        level = "critical"
        confidence = "high"
    strings:
        $serial = { 02 10 3F FC EB A8 3F E0 0F EF 97 F6 3C D9 2E 77 EB B9 }
    condition:
        uint16(0) == 0x5A4D and $serial
}
