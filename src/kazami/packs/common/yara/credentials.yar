/*
    Stores of passwords where they should not lie, and tools that read them.
*/

rule Common_Directory_Database
{
    meta:
        description = "Database of a directory with the names and passwords of a domain"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1003.003"
        level = "medium"
    strings:
        $table = { 64 61 74 61 74 61 62 6C 65 }
        $account = "ATTm590045" ascii
        $secret = "ATTk589879" ascii
    condition:
        uint32(4) == 0x89ABCDEF and filesize > 4KB and all of them
}

rule Common_Hive_Under_Short_Name
{
    meta:
        description = "Registry hive under a short name of a data file"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1003.002"
        level = "high"
    condition:
        uint32be(0) == 0x72656766 and filename matches /^(ss|sy|sa|se|sam|sys|sec)\.(dat|tmp|log|txt)$/i
}

rule Common_Memory_Of_Lsass
{
    meta:
        description = "Dump of the memory of LSASS"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-038a"
        techniques = "T1003.001"
        level = "high"
    strings:
        $process = "\\lsass.exe" wide nocase
        $library = "\\lsasrv.dll" wide nocase
    condition:
        uint32be(0) == 0x4D444D50 and all of them
}

rule Common_Mimikatz
{
    meta:
        description = "Mimikatz, by its commands and its author"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0002/"
        techniques = "T1003.001, S0002"
        level = "critical"
    strings:
        $author = "gentilkiwi" ascii wide nocase
        $a = "sekurlsa" ascii wide fullword
        $b = "lsadump" ascii wide fullword
        $c = "logonpasswords" ascii wide nocase fullword
        $d = "kerberos::golden" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and $author and 2 of ($a, $b, $c, $d)
}

rule Common_Remote_Shell_Of_Impacket
{
    meta:
        description = "Code that runs commands as the remote shells of Impacket do"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/fortra/impacket"
        techniques = "T1047, T1021.002, S0357"
        level = "medium"
    strings:
        $quiet = "cmd.exe /Q /c " ascii wide
        $output = /\\\\127\.0\.0\.1\\(%s|ADMIN\$|C\$)/ ascii wide nocase
        $back = "2>&1" ascii wide
    condition:
        filesize < 20MB and all of them
}
