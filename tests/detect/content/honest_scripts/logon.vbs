Option Explicit
Dim net, fso, sh, drive
On Error Resume Next
Set net = CreateObject("WScript.Network")
Set sh = CreateObject("WScript.Shell")
Set fso = CreateObject("Scripting.FileSystemObject")
For Each drive In Array("H:", "S:")
  net.RemoveNetworkDrive drive, True, True
Next
net.MapNetworkDrive "H:", "\\fileserver\home$\" & net.UserName
net.MapNetworkDrive "S:", "\\fileserver\shared"
If Err.Number <> 0 Then
  sh.LogEvent 1, "Drive mapping failed: " & Err.Description
  WScript.Quit 1
End If
If fso.FileExists("\\fileserver\netlogon\update.exe") Then sh.Run """\\fileserver\netlogon\update.exe"" /silent", 0, True
