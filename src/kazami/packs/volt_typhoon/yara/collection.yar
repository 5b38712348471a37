/*
    What the actor collects with, and how it hides what was collected.
*/

rule VoltTyphoon_Archive_As_Picture
{
    meta:
        description = "Archive under the name of a picture"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.secureworks.com/blog/chinese-cyberespionage-group-bronze-silhouette-targets-us-government-and-defense-organizations"
        techniques = "T1036.008, T1560.001"
        level = "high"
    condition:
        extension matches /^\.(gif|jpe?g|png|bmp)$/i and filesize > 100
        and (uint32be(0) == 0x377ABCAF or uint32be(0) == 0x52617221)
}

rule VoltTyphoon_Cabinet_As_Licence
{
    meta:
        description = "Cabinet under the name of a licence file, as fetched from a web folder"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1036.008, T1560.001"
        level = "high"
    condition:
        uint32be(0) == 0x4D534346 and extension == ".lic"
}

rule VoltTyphoon_Scan_Line
{
    meta:
        description = "Port scanner ScanLine"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-038a"
        techniques = "T1046"
        level = "medium"
    strings:
        $name = "ScanLine" ascii wide
        $maker = "Foundstone" ascii wide
    condition:
        uint16(0) == 0x5A4D and all of them
}

rule VoltTyphoon_Key_Log_Name
{
    meta:
        description = "Program that keeps a log of keys under the published name"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-038a"
        techniques = "T1056.001"
        level = "critical"
        confidence = "high"
    strings:
        $log = "rult3uil.log" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and $log
}

rule VoltTyphoon_Directory_Copy_Script
{
    meta:
        description = "Script that copies the directory database in short words into a folder for everybody"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1003.003"
        level = "high"
    strings:
        $tool = /ntdsutil(\.exe)?[^\n]{0,40}\bac\w{0,6}\s+i\w{0,7}\s+ntds\b[^\n]{0,60}\bc\w{0,5}\s+f/ ascii wide nocase
        $place = /(windows[\\\/]{1,2}temp|users[\\\/]{1,2}public|perflogs)[\\\/]/ ascii wide nocase
    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and all of them
}

rule VoltTyphoon_Memory_Dump_Script
{
    meta:
        description = "Script that dumps the memory of LSASS under the name of a file of VMware"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-038a"
        techniques = "T1003.001"
        level = "critical"
        confidence = "high"
    strings:
        $library = "comsvcs" ascii wide nocase
        $call = "MiniDump" ascii wide nocase
        $file = "vmware-vhost.dmp" ascii wide nocase
    condition:
        filesize < 1MB and $file and any of ($library, $call)
}
