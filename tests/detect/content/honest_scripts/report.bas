Attribute VB_Name = "Report"
Option Explicit
Private Type Row
  Name As String
  Amount As Double
End Type
Sub Workbook_Open()
  Dim ws As Worksheet, r As Long, total As Double
  Set ws = ThisWorkbook.Sheets("Data")
  On Error GoTo failed
  For r = 2 To ws.Cells(ws.Rows.Count, 1).End(xlUp).Row
    If ws.Cells(r, 2).Value < 0 Then GoTo nextrow
    total = total + ws.Cells(r, 2).Value
nextrow:
  Next r
  ws.Range("D1").Value = "Total: " & Format(total, "#,##0.00")
  ThisWorkbook.ExportAsFixedFormat xlTypePDF, Environ("TEMP") & "\report.pdf"
  Exit Sub
failed:
  MsgBox Err.Description, vbCritical
End Sub
