/*
    Further implants of the group.
*/

rule CloudHopper_Poison_Ivy_Password
{
    meta:
        description = "Program with a Poison Ivy password that was reported with the group"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0012/"
        techniques = "T1573.001, S0012"
        level = "high"
    strings:
        $a = "keaidestone" ascii wide fullword
        $b = "happyyongzi" ascii wide fullword
        $c = "xiaoxiaohuli" ascii wide fullword
        $d = "XGstone" ascii wide fullword
        $e = "fishplay" ascii wide fullword
    condition:
        uint16(0) == 0x5A4D and any of them
}

rule CloudHopper_Uppercut_Key
{
    meta:
        description = "Program with the fixed key of early UPPERCUT"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0275/"
        techniques = "T1573.001, S0275"
        level = "high"
    strings:
        $key = "this is the encrypt key" ascii wide
    condition:
        uint16(0) == 0x5A4D and $key
}

rule CloudHopper_Quasar_Requests
{
    meta:
        description = "Program with both browser names of Quasar and an address service that it asks"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0262/"
        techniques = "T1016, T1071.001, S0262"
        level = "high"
    strings:
        $lookup = "Mozilla/5.0 (Windows NT 6.3; rv:48.0) Gecko/20100101 Firefox/48.0" ascii wide
        $visit = "Version/7.0.3 Safari/7046A194A" ascii wide
        $a = "ip-api.com" ascii wide
        $b = "freegeoip.net" ascii wide
        $c = "api.ipify.org" ascii wide
    condition:
        uint16(0) == 0x5A4D and $lookup and $visit and any of ($a, $b, $c)
}

rule CloudHopper_Controller_In_Program
{
    meta:
        description = "Program with the name of a published controller of ChChes or RedLeaves"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blogs.jpcert.or.jp/en/2017/02/chches-malware--93d6.html"
        reference = "https://research.nccgroup.com/2017/03/10/redleaves-malware/"
        techniques = "T1568.001"
        level = "critical"
    strings:
        $a = "area.wthelpdesk.com" ascii wide nocase
        $b = "dick.ccfchrist.com" ascii wide nocase
        $c = "kawasaki.cloud-maste.com" ascii wide nocase
        $d = "kawasaki.unhamj.com" ascii wide nocase
        $e = "sakai.unhamj.com" ascii wide nocase
        $f = "scorpion.poulsenv.com" ascii wide nocase
        $g = "trout.belowto.com" ascii wide nocase
        $h = "zebra.wthelpdesk.com" ascii wide nocase
        $i = "hamiltion.catholicmmb.com" ascii wide nocase
        $j = "gavin.ccfchrist.com" ascii wide nocase
        $k = "owlmedia.mefound.com" ascii wide nocase
        $l = "interpreter.shenajou.com" ascii wide nocase
        $m = "center.shenajou.com" ascii wide nocase
        $n = "commissioner.shenajou.com" ascii wide nocase
        $o = "windowsupdate.fartit.com" ascii wide nocase
    condition:
        uint16(0) == 0x5A4D and filesize < 20MB and 1 of them and not 6 of them
}
