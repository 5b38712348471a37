/*
    What the mails of the group carried.
*/

rule CloudHopper_Program_In_Certificate
{
    meta:
        description = "Text that is framed as a certificate and decodes to a Windows program"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://attack.mitre.org/software/S0275/"
        techniques = "T1140, T1027.013"
        level = "high"
        confidence = "high"
    strings:
        $frame = /-----BEGIN CERTIFICATE-----\s{1,4}TV[opqr][A-Za-z0-9+\/]/ ascii wide
    condition:
        filesize < 20MB and $frame
}

rule CloudHopper_Rtf_Dropper_Properties
{
    meta:
        description = "RTF with the document properties of the dropper of Operation Cloud Hopper"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://github.com/Neo23x0/signature-base/blob/master/yara/apt_op_cloudhopper.yar"
        techniques = "T1204.002"
        level = "high"
    strings:
        $company = "{\\*\\company google}" ascii
        $counts = "{\\nofpages1}{\\nofwords11}{\\nofchars69}" ascii
        $spaces = "{\\nofcharsws79}" ascii
    condition:
        uint32be(0) == 0x7B5C7274 and all of them
}
