$ErrorActionPreference = 'Stop'
$toolsDir = "$(Split-Path -Parent $MyInvocation.MyCommand.Definition)"
$packageArgs = @{ packageName='thing'; fileType='MSI'; url='https://downloads.example.org/thing-1.0.msi'; url64bit='https://downloads.example.org/thing-1.0-x64.msi'; checksum='0000000000000000000000000000000000000000000000000000000000000000'; checksumType='sha256'; silentArgs='/qn /norestart' }
Install-ChocolateyPackage @packageArgs
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
$wc = New-Object System.Net.WebClient
$wc.DownloadFile($packageArgs.url, (Join-Path $env:TEMP 'thing.msi'))
Start-Process msiexec.exe -ArgumentList '/i', "`"$env:TEMP\thing.msi`"", '/qn' -Wait
