#requires -Version 5.1
[CmdletBinding()]
param([Parameter(Mandatory)][string[]]$ComputerName,[int]$Days = 30)
function Get-StaleProfile {
  param([string]$Name,[int]$Age)
  $limit = (Get-Date).AddDays(-$Age)
  Get-CimInstance -ClassName Win32_UserProfile -ComputerName $Name |
    Where-Object { -not $_.Special -and $_.LastUseTime -lt $limit } |
    Select-Object PSComputerName, LocalPath, LastUseTime
}
$report = foreach ($c in $ComputerName) {
  try { Get-StaleProfile -Name $c -Age $Days -ErrorAction Stop }
  catch { Write-Warning ("{0}: {1}" -f $c, $_.Exception.Message) }
}
$report | Export-Csv -Path "$env:TEMP\profiles.csv" -NoTypeInformation -Encoding UTF8
Invoke-Command -ComputerName $ComputerName -ScriptBlock { Get-Service -Name Spooler | Restart-Service }
