Class Inventory
  Private items
  Private Sub Class_Initialize
    Set items = CreateObject("Scripting.Dictionary")
  End Sub
  Public Sub Add(name, value)
    items.Add name, value
  End Sub
  Public Property Get Report
    Dim k
    For Each k In items.Keys
      Report = Report & k & ": " & items.Item(k) & vbCrLf
    Next
  End Property
End Class
Dim inv, wmi, os
Set inv = New Inventory
Set wmi = GetObject("winmgmts:\\.\root\cimv2")
For Each os In wmi.ExecQuery("Select * from Win32_OperatingSystem")
  inv.Add "OS", os.Caption
  inv.Add "Serial", os.SerialNumber
Next
WScript.Echo inv.Report
