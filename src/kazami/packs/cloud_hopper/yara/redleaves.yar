/*
    RedLeaves: the implant that Operation Cloud Hopper left by side-loading, by names that it carries.
*/

rule CloudHopper_RedLeaves_Program
{
    meta:
        description = "Program that carries a name of the RedLeaves implant: its mutex, pipe or library"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        reference = "https://attack.mitre.org/software/S0153/"
        techniques = "T1574.001, T1055.012, S0153"
        level = "critical"
        confidence = "high"
    strings:
        $mutex = "RedLeavesCMDSimulatorMutex" ascii wide
        $pipe = "\\pipe\\NamePipe_MoreWindows" ascii wide
        $library = "red_autumnal_leaves_dllmain.dll" ascii wide
    condition:
        uint16(0) == 0x5A4D and any of them
}

rule CloudHopper_RedLeaves_Message
{
    meta:
        description = "Names of all fields of a RedLeaves message"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1071.001, S0153"
        level = "high"
    strings:
        $id = "__msgid" ascii wide
        $serial = "__serial" ascii wide
        $uptime = "__upt" ascii wide
        $data = "__data" ascii wide
        $client = "clientid" ascii wide
        $online = "OnlineTime" ascii wide
    condition:
        uint16(0) == 0x5A4D and filesize < 20MB and all of them
}

rule CloudHopper_RedLeaves_Group
{
    meta:
        description = "Program with a group name of a RedLeaves configuration"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1071.001, S0153"
        level = "high"
    strings:
        $a = "2016-12-15-NewDomain" ascii wide
        $b = "2016-12-23-valeo" ascii wide
        $c = "2017-2-22-ALL" ascii wide
    condition:
        uint16(0) == 0x5A4D and any of them
}
