Add-Type -AssemblyName System.Windows.Forms, System.Drawing
$icon = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
$ms = New-Object IO.MemoryStream(,[Convert]::FromBase64String($icon))
$form = New-Object Windows.Forms.Form -Property @{ Text = 'Setup'; Width = 400; Height = 200 }
$pic = New-Object Windows.Forms.PictureBox; $pic.Image = [Drawing.Image]::FromStream($ms)
$form.Controls.Add($pic); [void]$form.ShowDialog()
