/*
    Loaders that a genuine program is made to load, and what lies beside them.
*/

import "math"

rule CloudHopper_Loader_Names_Data_File
{
    meta:
        description = "Library that names the data file of a published side-loading set"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        reference = "https://www.cisa.gov/news-events/alerts/2017/04/27/intrusions-affecting-multiple-victims-across-multiple-sectors"
        techniques = "T1574.001, T1106"
        level = "high"
    strings:
        $a = "handkerchief.dat" ascii wide nocase
        $b = "pastime.dat" ascii wide nocase
        $c = "NvSmart.hlp" ascii wide nocase
        $d = "Vba32ar.cab.dat" ascii wide nocase
        $e = "LogMeInSystrays.dat" ascii wide nocase
        $f = "mfeann.data" ascii wide nocase
        $g = "msseces.asm" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and filesize < 5MB and any of them
}

rule CloudHopper_Small_Libcef
{
    meta:
        description = "Small library with the export of the large libcef.dll and the original name gentee.dll"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1574.001, S0153"
        level = "critical"
    strings:
        $export = "cef_string_utf16_set" ascii fullword
        $original = "gentee.dll" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and filesize < 1MB and all of them
}

rule CloudHopper_Small_Starburn
{
    meta:
        description = "Small library that has the export by which obedience.exe loads RedLeaves, and its data file"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1574.001, S0153"
        level = "high"
    strings:
        $export = "StarBurn_GetVersion" ascii fullword
        $opens = "CreateFile" ascii
        $reads = "ReadFile" ascii
        $data = /[a-z]{4,16}\.dat/ ascii wide fullword
    condition:
        uint16(0) == 0x5A4D and filesize < 300KB and all of them
}

rule CloudHopper_Data_File_Of_A_Loader
{
    meta:
        description = "Encoded file under the name of the data file of a published side-loading set"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        reference = "https://www.cisa.gov/news-events/alerts/2017/04/27/intrusions-affecting-multiple-victims-across-multiple-sectors"
        techniques = "T1574.001, T1027.013"
        level = "high"
    condition:
        filename matches /^(handkerchief\.dat|pastime\.dat|NvSmart\.hlp|Vba32ar\.cab\.dat|LogMeInSystrays\.dat|mfeann\.data|msseces\.asm)$/i
        and filesize > 1KB and filesize < 5MB and math.entropy(0, filesize) > 6.0
}
