<?php
$name = isset($_POST['name']) ? trim($_POST['name']) : '';
$cmd = 'convert ' . escapeshellarg($_FILES['f']['tmp_name']) . ' out.png';
exec($cmd, $output, $rc);
echo htmlspecialchars($name);
