/*
    What the actor leaves on web servers.
*/

rule VoltTyphoon_Awen_Shell
{
    meta:
        description = "Web shell after Awen"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.secureworks.com/blog/chinese-cyberespionage-group-bronze-silhouette-targets-us-government-and-defense-organizations"
        techniques = "T1505.003"
        level = "critical"
        confidence = "high"
    strings:
        $title = "awen asp.net webshell" ascii wide nocase
    condition:
        filesize < 200KB and uint16(0) != 0x5A4D and $title
}

rule VoltTyphoon_Jsp_Builds_Cmd
{
    meta:
        description = "Server page that builds the words cmd and /C from numbers"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1505.003, T1059.003"
        level = "critical"
        confidence = "high"
    strings:
        $cmd = /new\s+byte\s*\[\s*\]\s*\{\s*99\s*,\s*109\s*,\s*100\s*[,}]/ ascii
        $switch = /new\s+byte\s*\[\s*\]\s*\{\s*47\s*,\s*67\s*[,}]/ ascii
    condition:
        filesize < 500KB and all of them
}

rule VoltTyphoon_Encrypted_Jsp
{
    meta:
        description = "Server page that decrypts a class from a request and runs it"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        reference = "https://www.secureworks.com/blog/chinese-cyberespionage-group-bronze-silhouette-targets-us-government-and-defense-organizations"
        techniques = "T1505.003, T1573.001"
        level = "high"
    strings:
        $page = "<%" ascii
        $cipher = /Cipher\.getInstance\(\s*"AES/ ascii
        $define = "defineClass" ascii fullword
        $asks = /request\.(getReader|getParameter|getInputStream)/ ascii
    condition:
        filesize < 500KB and all of them
}

rule VoltTyphoon_Tomcat_Library
{
    meta:
        description = "Library of Tomcat with the classes of a published back door"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.crowdstrike.com/en-us/blog/falcon-complete-thwarts-vanguard-panda-tradecraft/"
        techniques = "T1554, T1505.003"
        level = "critical"
    strings:
        $main = "WsSci.class" ascii
        $a = "/A.class" ascii
        $b = "/B.class" ascii
        $c = "/C.class" ascii
    condition:
        uint32be(0) == 0x504B0304 and filesize < 1MB and all of them
}

rule VoltTyphoon_Tomcat_Endpoint
{
    meta:
        description = "Class or page with the address of a published back door of Tomcat"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.crowdstrike.com/en-us/blog/falcon-complete-thwarts-vanguard-panda-tradecraft/"
        techniques = "T1505.003"
        level = "critical"
        confidence = "high"
    strings:
        $path = "/addEndpoint/html/lookup.gif" ascii
    condition:
        filesize < 1MB and $path and (uint32be(0) == 0xCAFEBABE or uint32be(0) == 0x504B0304)
}

rule VoltTyphoon_Tomcat_Dropper
{
    meta:
        description = "Page that puts another library in the place of one of Tomcat"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.crowdstrike.com/en-us/blog/falcon-complete-thwarts-vanguard-panda-tradecraft/"
        techniques = "T1554, T1505.003"
        level = "critical"
        confidence = "high"
    strings:
        $from = /users[\\\/]{1,2}public[\\\/]{1,2}tomcat-ant\.jar/ ascii nocase
        $to = "tomcat-websocket.jar" ascii nocase
    condition:
        filesize < 500KB and all of them and uint16(0) != 0x5A4D
}

rule VoltTyphoon_Versa_Shell
{
    meta:
        description = "Java code that keeps what it takes where VersaMem does, and attaches to another machine"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://blog.lumen.com/taking-the-crossroads-the-versa-director-zero-day-exploitation/"
        techniques = "T1056, T1505.003, S1154"
        level = "high"
    strings:
        $store = "/tmp/.temp.data" ascii
        $attach = "/tmp/.java_pid" ascii
    condition:
        (uint32be(0) == 0xCAFEBABE or uint32be(0) == 0x504B0304) and filesize < 20MB and all of them
}

rule VoltTyphoon_Browser_Name_With_Spaces
{
    meta:
        description = "Program or script with the browser name that only the actor writes so"
        author = "Kazami authors"
        license = "Apache-2.0"
        date = "2026-11-29"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-144a"
        techniques = "T1071.001"
        level = "high"
    strings:
        $agent = /Windows NT 6\.1; WOW64; rv:68\.0\)[ ]{3,12}Gecko\/20100101 Firefox\/68\.0/ ascii wide
    condition:
        filesize < 50MB and $agent
}
